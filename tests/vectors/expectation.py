"""One thing that an answer must be, and whether it is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

Path = tuple[str | int, ...]


class Kind(Enum):
    """How an answer is compared."""

    NEAR = "near"
    """A number within ``tolerance``, absolute."""

    SAME = "same"
    """Equal, and a boolean only to a boolean."""

    AT_LEAST = "at least"
    AT_MOST = "at most"

    LENGTH = "length"
    """A list of as many elements."""

    KEYS = "keys"
    """A mapping with these keys and no others."""

    REST_ZERO = "rest zero"
    """A mapping in which every other key is absent or 0."""

    STAGE = "stage"
    """A refusal at this stage, the word before the colon; None: no refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What stands at ``path`` of an answer; ``source`` is where in the case the wanted value was written, if it was."""

    path: Path
    want: Any
    kind: Kind = Kind.SAME
    tolerance: float = 0.0
    source: Path | None = None

    def problem(self, answer: Any) -> str | None:
        """What is wrong with the answer, in a line; None if nothing is."""
        try:
            got = _at(answer, self.path)
        except LookupError:
            if self.kind is Kind.STAGE:
                got = None
            else:
                return f"{dotted(self.path)}: no such key in the answer, want {self.want!r}"
        if self._holds(got):
            return None
        within = f" within {self.tolerance:.3g}" if self.kind is Kind.NEAR else ""
        relation = "" if self.kind in (Kind.NEAR, Kind.SAME) else f"{self.kind.value} "
        return f"{dotted(self.path)}: got {got!r}, want {relation}{self.want!r}{within}"

    def _holds(self, got: Any) -> bool:
        if self.kind in (Kind.NEAR, Kind.AT_LEAST, Kind.AT_MOST):
            return _is_number(got) and _in_range(got, self)
        if self.kind is Kind.LENGTH:
            return isinstance(got, list | tuple) and len(got) == self.want
        if self.kind in (Kind.KEYS, Kind.REST_ZERO):
            return isinstance(got, Mapping) and _closed(got, self)
        return _stage(got) == self.want if self.kind is Kind.STAGE else _same(got, self.want)


def problems(expectations: Iterable[Expectation], answer: Any) -> list[str]:
    """Everything that is wrong with an answer."""
    return [text for each in expectations if (text := each.problem(answer)) is not None]


def dotted(path: Path) -> str:
    """The path as people read it."""
    return ".".join(map(str, path)) or "the answer"


def _at(answer: Any, path: Path) -> Any:
    for step in path:
        if not isinstance(answer, Mapping | list | tuple) or (isinstance(answer, Mapping) == isinstance(step, int)):
            raise LookupError(step)
        answer = answer[step]  # type: ignore[index]
    return answer


def _in_range(got: float, expected: Expectation) -> bool:
    low = -math.inf if expected.kind is Kind.AT_MOST else expected.want - expected.tolerance
    high = math.inf if expected.kind is Kind.AT_LEAST else expected.want + expected.tolerance
    return bool(low <= got <= high and not math.isinf(got))


def _closed(got: Mapping[Any, Any], expected: Expectation) -> bool:
    if expected.kind is Kind.KEYS:
        return set(got) == set(expected.want)
    return all(got[key] == 0 for key in got if key not in expected.want)


def _stage(got: Any) -> str | None:
    return got.partition(":")[0] if isinstance(got, str) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(got: Any, want: Any) -> bool:
    if isinstance(got, bool) or isinstance(want, bool):
        return got is want
    return bool(got == want)
