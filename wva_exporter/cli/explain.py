"""How a number came about, on one line: demand, what one replica carries, what that makes, what moved it, what bound it."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from wva_exporter.core.decision import Plan
from wva_exporter.core.explanation import Bound, Explanation, Unit
from wva_exporter.core.fleet import Role
from wva_exporter.core.snapshot import REASONS
from wva_exporter.errors import Reason

_UNITS = {Unit.REQUESTS_PER_SECOND: "req/s", Unit.TOKENS: "tokens", Unit.KV_CACHES: "caches"}
_EPSILON = 1e-9
"""A wish that exceeds a whole number by no more than this is that number, as for the policy."""


def chains(plan: Plan) -> Iterator[str]:
    """A line a variant, as in ``llm/llama: 19.8 req/s / 2.9 per replica (kv) -> 8 -> max 6 [max]``.

    First after the demand stands what it makes, rounded up, then what the policy itself made of that, then the stages that
    follow every policy. In brackets stands the reason that the target is published with.
    """
    moved = plan.moved
    _, group, sizes = np.unique(plan.fleet.group, return_inverse=True, return_counts=True)
    kinds = sizes[group.ravel()].tolist()
    for row, (namespace, name) in enumerate(plan.fleet.key):
        stages = [
            f"{step.name} {_count(step.replicas.listed()[row])}"
            for step, there in zip(plan.steps, moved[:, row].tolist(), strict=True)
            if there
        ]
        parts = [*_demand(plan, row, kinds[row]), *_word(plan, row, several=kinds[row] > 1), *stages]
        yield f"{namespace}/{name}: {' -> '.join(parts)} [{plan.reasons[row]}]"


def _reckoned(plan: Plan, row: int) -> Explanation | None:
    """What the policy reckoned with, None where it does not reckon so."""
    why = plan.explanation
    return why if why is not None and why.unit[row] != Unit.NONE and why.demand.known[row] else None


def _demand(plan: Plan, row: int, kinds: int) -> Iterator[str]:
    """Demand over capacity; ``kinds`` are the variants that it comes to together."""
    why = _reckoned(plan, row)
    if why is None:
        return
    demand = f"{_number(why.demand.value[row])} {_UNITS[Unit(int(why.unit[row]))]}"
    waits = bool(why.backlog.known[row] and why.backlog.value[row] >= 1.0)
    if waits:
        demand += f" and {why.backlog.value[row]:.0f} requests to work off"
    if kinds > 1:
        role = Role(int(plan.fleet.variants.role[row]))
        part = "the model" if role is Role.BOTH else f"the model's {role.name.lower()}"
        demand += f"{', both' if waits else ''} of {part} ({kinds} kinds)"
    if not why.capacity.known[row]:
        yield f"{demand} / no capacity"
        return
    bound = Bound(int(why.bound[row]))
    by = f" ({bound.name.lower()})" if bound is not Bound.UNKNOWN else ""
    yield f"{demand} / {_number(why.capacity.value[row])} per replica{by}"


def _word(plan: Plan, row: int, *, several: bool) -> Iterator[str]:
    """The policy's word, and before it what the demand alone makes, where that is another number.

    Of ``several`` kinds it is what would do of this one alone.
    """
    why, answer = _reckoned(plan, row), plan.steps[0].replicas.listed()[row]
    if why is None or answer is None or not why.wanted.known[row]:
        yield _count(answer)
        return
    wanted = math.ceil(why.wanted.value[row] - _EPSILON)
    if answer == wanted:
        yield _count(answer)
        return
    yield f"{wanted} alone" if several else f"{wanted}"
    maximum = plan.fleet.variants.maximum.listed()[row]
    if answer > wanted:
        yield f"{_more(plan, row, several=several)} {_count(answer)}"
    elif maximum is None or answer <= maximum:  # above it the stage ``max`` follows
        yield f"{_less(plan, row, several=several)} {_count(answer)}"


def _more(plan: Plan, row: int, *, several: bool) -> str:
    """Why the policy asks for more than the demand makes."""
    variants, step = plan.fleet.variants, plan.steps[0]
    reason = REASONS[int(step.reason[row])]
    last_resort = reason is Reason.SLO_UNREACHABLE and variants.maximum.known[row]
    if last_resort or reason in {Reason.RESIDENT_TOKENS, Reason.ALL_SATURATED}:
        return str(reason)
    if step.replicas.value[row] <= variants.minimum[row]:
        return "min"
    return "mix" if several and reason is Reason.NO_HEADROOM else str(Reason.DOWN_WINDOW)


def _less(plan: Plan, row: int, *, several: bool) -> str:
    """Why it asks for less: it keeps to bounds itself, and other kinds carry their share."""
    variants, step = plan.fleet.variants, plan.steps[0]
    if variants.maximum.known[row] and step.replicas.value[row] == variants.maximum.value[row]:
        return "max"
    if REASONS[int(step.reason[row])] is Reason.MAX_UNKNOWN:
        return "growth"
    return "mix" if several else "policy"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100.0 else f"{value:.3g}"  # noqa: PLR2004 - three digits, and never 1e+04


def _count(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"
