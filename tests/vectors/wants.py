"""What a case of the schema of saturation.yaml asks for: the rules of its `out`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .cases import Case
from .expectation import Expectation, Kind, Path

RELATIVE = 1e-6
"""|got - want| <= 1e-6 x max(1, |want|)."""

_BOUNDS = {"ge": Kind.AT_LEAST, "le": Kind.AT_MOST}
_OPEN_TOP = ("opt.effective_available", "opt.merge_constraints")
"""Areas whose `out` lists the types of a budget; one that is not listed must be absent or 0."""


def wants(case: Case, out: Any) -> list[Expectation]:
    """The expectations of `out`, which is the case's own or a corrected one."""
    found: list[Expectation] = []
    for key, want in out.items():
        if key.startswith("note"):
            continue
        if key in _BOUNDS:
            found += _targets(key, want, _BOUNDS[key])
        elif key in ("targets", "port"):
            found += _targets(key, want, Kind.SAME)
        else:
            found += list(_recursive(want, (key,)))
    if case["area"] in _OPEN_TOP:
        found.append(Expectation(path=(), want=tuple(out), kind=Kind.REST_ZERO))
    return found


def _targets(key: str, want: dict[str, Any], kind: Kind) -> list[Expectation]:
    """Replicas after the step, by variant."""
    return [Expectation(path=("targets", n), want=w, kind=kind, source=(key, n)) for n, w in want.items()]


def _recursive(want: Any, path: Path) -> Iterator[Expectation]:
    if isinstance(want, dict):
        for key, value in want.items():
            yield from _recursive(value, (*path, key))
    elif isinstance(want, list):
        yield Expectation(path=path, want=len(want), kind=Kind.LENGTH)
        for place, value in enumerate(want):
            yield from _recursive(value, (*path, place))
    elif isinstance(want, int | float) and not isinstance(want, bool):
        tolerance = RELATIVE * max(1.0, abs(want))
        yield Expectation(path=path, want=want, kind=Kind.NEAR, tolerance=tolerance, source=path)
    else:
        yield Expectation(path=path, want=want, source=path)
