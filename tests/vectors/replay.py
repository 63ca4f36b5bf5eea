"""Asking the part that answers a case, and comparing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from . import queueing_wants, wants
from .cases import Case
from .expectation import Expectation, problems
from .parts import Parts, all_parts

CORRECTED = Path(__file__).parent.parent / "data" / "corrected.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """The parts, and the answers where the original is known to be wrong, by id.

    A corrected entry has ``out`` and may have ``in``, keys that replace the case's own; ``beside: true`` keeps the original's
    answer too, to be met in ``exact`` mode.
    """

    parts: Parts
    corrected: Mapping[str, Any]

    @classmethod
    def with_all_parts(cls) -> Replay:
        """As the command does it."""
        return cls(parts=all_parts(), corrected=yaml.safe_load(CORRECTED.read_text(encoding="utf-8"))["corrected"])

    def runs(self, case: Case) -> Iterator[Case]:
        """The case in each mode in which it is to be replayed: the original's tests as they stand, others corrected."""
        entry = self.corrected.get(case["id"])
        if "area" in case:
            if case["compat"] == "corrected" and entry is not None:
                yield {**case, "in": {**case["in"], **entry.get("in", {})}, "corrected": entry["out"]}
            else:
                yield case
            return
        if entry is None or entry.get("beside"):
            yield case
        if entry is not None:
            given = {**case.get("input", {}), **entry.get("in", {})}
            yield {**case, "compat": "corrected", "input": given, "corrected": entry["out"]}

    def problems(self, run: Case) -> list[str]:
        """Everything that is wrong with our answer; empty if it is right."""
        try:
            expected = self.expectations(run)
            answer = self.answer(run)
        except Exception as error:  # noqa: BLE001 - whatever a part raises is a failed case, not the end of the replay
            return [f"{type(error).__name__}: {error}"]
        return problems(expected, answer) if expected else ["the case expects nothing"]

    def answer(self, run: Case) -> Any:
        """What the product says.

        Raises:
            LookupError: nobody answers the area, or the group and op.
        """
        if "area" in run:
            if run["area"] not in self.parts.areas:
                raise LookupError(f"unknown area {run['area']!r}")
            return self.parts.areas[run["area"]](run)
        key = (run.get("group"), run.get("op"))
        if key not in self.parts.ops:
            raise LookupError(f"unknown group and op {key}")
        return self.parts.ops[key](run)  # type: ignore[index]

    def expectations(self, run: Case) -> list[Expectation]:
        """What it has to be."""
        if "area" not in run:
            return queueing_wants.wants(run, run.get("corrected"))
        if run["compat"] == "corrected":
            if "corrected" not in run:
                raise LookupError(f"a derived case needs a corrected answer in {CORRECTED.name}")
            return wants.wants(run, run["corrected"])
        return wants.wants(run, run["out"])
