"""Dividing a number of GPUs by weight: between floors and ceilings, in whole ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Who gets a part: at least ``floor``, at most ``cap``, in proportion to ``weight``."""

    key: str
    weight: float
    floor: int
    cap: int


def waterfill(budget: int, shares: Sequence[Share]) -> tuple[dict[str, int], bool]:
    """The part of each, and whether the floors alone exceed the budget (then everybody gets the floor).

    Floors first; the rest by weight, where a part that reaches its cap is fixed there and what it leaves is divided again;
    fractions by largest remainder, of equals the first key, never above a cap.
    """
    floors = sum(share.floor for share in shares)
    if floors >= budget:
        return {share.key: share.floor for share in shares}, floors > budget
    given = {share.key: 0.0 for share in shares}
    active = [share for share in shares if share.weight > 0 and share.cap > share.floor]
    rest = float(budget - floors)
    while active and rest > 0:
        weight = sum(share.weight for share in active)
        full = [share for share in active if rest * share.weight / weight >= share.cap - share.floor]
        if not full:
            given.update((share.key, rest * share.weight / weight) for share in active)
            break
        for share in full:
            given[share.key] = float(share.cap - share.floor)
            rest -= share.cap - share.floor
        active = [share for share in active if share not in full]
    caps = {share.key: share.cap - share.floor for share in shares}
    whole = _rounded(given, caps)
    return {share.key: share.floor + whole[share.key] for share in shares}, False


def split(
    total: int,
    keys: Sequence[str],
    weight: Mapping[str, float],
    fallback: Mapping[str, float],
    floor: Mapping[str, int],
) -> dict[str, int]:
    """``total`` over ``keys``: floors first, the rest by weight, by ``fallback`` where all weights are 0, else evenly."""
    if len(keys) == 1:
        return {keys[0]: total}
    parts = {key: floor.get(key, 0) for key in keys}
    rest = total - sum(parts.values())
    if rest <= 0:
        return parts
    for weights in (weight, fallback, dict.fromkeys(keys, 1.0)):
        whole = sum(weights.get(key, 0.0) for key in keys)
        if whole > 0:
            given = {key: rest * weights.get(key, 0.0) / whole for key in keys}
            for key, more in _rounded(given, dict.fromkeys(keys, rest)).items():
                parts[key] += more
            break
    return parts


def _rounded(given: Mapping[str, float], caps: Mapping[str, int]) -> dict[str, int]:
    """Whole parts of the same sum, by largest remainder, of equals the first key."""
    whole = {key: math.floor(part) for key, part in given.items()}
    left = round(sum(given.values())) - sum(whole.values())
    order = sorted(given, key=lambda key: (-(given[key] - whole[key]), key))
    for key in order:
        if left <= 0:
            break
        if whole[key] < caps[key]:
            whole[key] += 1
            left -= 1
    return whole
