"""Iterations one after the other in which the same sequences run and nobody comes, ends or leaves."""

from __future__ import annotations

import math


class Stretch:
    """``steps`` iterations from ``begun``: the first takes ``first`` seconds, each other ``2 half`` more than the one before.

    So the j-th ends at ``begun + j first + half j (j - 1)``, and how many have ended by a time comes from that quadratic.
    """

    __slots__ = ("begun", "ends_at", "first", "half", "steps")

    def __init__(self, begun: float, first: float, half: float, steps: int) -> None:
        self.begun = begun
        self.first = first
        self.half = half
        self.steps = steps
        self.ends_at = begun + steps * (first + half * (steps - 1))

    def end_of(self, step: int) -> float:
        """When the iteration of that number, from 1, is over; for 0 the beginning."""
        return self.begun + step * (self.first + self.half * (step - 1))

    def ended_by(self, to: float) -> int:
        """How many iterations are over."""
        if to >= self.ends_at:
            return self.steps
        rest = to - self.begun
        if rest < self.first:
            return 0
        begun, first, half = self.begun, self.first, self.half
        lead = first - half
        # the root of half j^2 + lead j = rest in the form that also holds for half = 0
        step = int(2.0 * rest / (lead + math.sqrt(lead * lead + 4.0 * half * rest)))
        while begun + step * (first + half * (step - 1)) > to:  # as ``end_of``
            step -= 1
        while begun + (step + 1) * (first + half * step) <= to:
            step += 1
        return min(step, self.steps)

    def shorten(self, steps: int) -> None:
        """End after so many iterations instead."""
        self.steps = steps
        self.ends_at = self.end_of(steps)
