"""What requests weigh: prompt and answer in tokens, from what was finished, and before enough was, from what is assumed.

The first to finish are the short ones, so early means are low; and a low guess of the answer costs several points of requests
in time where a high one costs next to nothing, so the prior is large and gives way with the fiftieth completion.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from wva_exporter.conventions import Signal
from wva_exporter.core.columns import BoolArray, FloatArray, IntArray
from wva_exporter.core.fleet import Role
from wva_exporter.core.headroom.groups import Groups, weighted
from wva_exporter.core.snapshot import Snapshot

PRIOR_IN_TOKENS = 1024.0
PRIOR_OUT_TOKENS = 1024.0
ENOUGH_REQUESTS = 50.0
CHANCE, MOST_CHANCE = 1.5, 0.1
"""Means that lie closer than so many deviations of such a mean are the same: capacity does not follow every long prompt.

But no more than a tenth, or what changed for good would never show where few requests come.
"""

_SIZES = (Signal.INPUT_TOKENS, Signal.OUTPUT_TOKENS, Signal.PREFIX_HIT_RATIO)
_LEAST, _MOST = np.array([[1.0], [1.0], [0.0]]), np.array([[1e7], [1e7], [1.0]])
"""Of each of them."""

_FEW = 4.0
_ASSUMED_REQUESTS = 20.0
_RATE_SECONDS = 60.0
"""The shortest window of a rate."""

_PREFILL = int(Role.PREFILL)
"""Arrays are compared with plain numbers: with an enum numpy takes five times as long."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shape:
    """Tokens per request and the share of prompts found in the prefix cache: shape (groups,).

    ``measured`` says where enough was finished, now or before, for these to be measurements.
    """

    in_tokens: FloatArray
    out_tokens: FloatArray
    hit_ratio: FloatArray
    measured: BoolArray

    @classmethod
    def prior(cls, groups: Groups) -> Shape:
        """Before anything was finished."""
        rows = len(groups)
        return cls(
            in_tokens=np.full(rows, PRIOR_IN_TOKENS),
            out_tokens=np.where(groups.role == _PREFILL, 1.0, PRIOR_OUT_TOKENS),
            hit_ratio=np.zeros(rows),
            measured=np.zeros(rows, dtype=np.bool_),
        )

    def otherwise(self, other: Shape) -> Shape:
        """What was measured, and the other's where nothing was."""
        names = ("in_tokens", "out_tokens", "hit_ratio")
        mixed = {name: np.where(self.measured, getattr(self, name), getattr(other, name)) for name in names}
        return Shape(**mixed, measured=self.measured)

    def take(self, row: IntArray, groups: Groups) -> Shape:
        """For groups whose i-th stood at ``row[i]`` before, -1 if it is new."""
        prior, inside, at = Shape.prior(groups), row >= 0, np.maximum(row, 0)
        if not len(self.in_tokens):
            return prior
        return Shape(
            in_tokens=np.where(inside, self.in_tokens[at], prior.in_tokens),
            out_tokens=np.where(inside, self.out_tokens[at], prior.out_tokens),
            hit_ratio=np.where(inside, self.hit_ratio[at], prior.hit_ratio),
            measured=inside & self.measured[at],
        )


def shape(past: Shape, snapshot: Snapshot, groups: Groups, window_seconds: float) -> Shape:
    """What was finished in the last ``window_seconds``, as far as it was enough, and what was known before for the rest.

    Enough are fifty, and twice as many as run now: then not only the short ones have finished. Until then a prompt is taken for
    what running requests hold. What was measured once is the prior from then on; an idle model keeps the sizes it had.
    """
    replicas, rows = snapshot.replicas, len(groups)
    row = groups.of_variant[replicas.variant]
    rate = np.where(replicas.live, replicas[Signal.REQUEST_RATE].value, 0.0)
    finished = np.bincount(row, weights=rate * window_seconds, minlength=rows)
    running = groups.total(np.where(replicas.live, replicas[Signal.RUNNING].value, 0.0), replicas.variant)
    trust = np.minimum(finished / np.maximum(ENOUGH_REQUESTS, 2.0 * running), 1.0)
    before = past if past.measured.all() else past.otherwise(_assumed(snapshot, groups, running))
    weight = np.where(replicas.live, np.maximum(rate, 1e-9), 0.0)
    chance = np.minimum(
        CHANCE / np.sqrt(np.maximum(finished, 1.0)), MOST_CHANCE
    )  # sizes scatter about as much as they are large
    mean = weighted(replicas.rows(_SIZES), weight, row, rows)
    usual = np.stack([before.in_tokens, before.out_tokens, before.hit_ratio])
    value = np.minimum(np.maximum(mean.value, _LEAST), _MOST)
    scale = np.stack([before.in_tokens, before.out_tokens, 1.0 - before.hit_ratio])  # what is computed of a prompt
    moved = mean.known & ~(past.measured & (np.abs(value - usual) <= chance * scale))
    if before is past and not moved.any():
        return past
    prompts, answers, hits = np.where(moved, usual + trust * (value - usual), usual)
    return Shape(
        in_tokens=prompts,
        out_tokens=np.where(groups.role == _PREFILL, 1.0, answers),
        hit_ratio=hits,
        measured=past.measured | (trust >= 1.0),
    )


def _assumed(snapshot: Snapshot, groups: Groups, running: FloatArray) -> Shape:
    """Before enough was finished: prompts as large as what each running request holds, where a few of them run."""
    replicas, prior = snapshot.replicas, Shape.prior(groups)
    use, room = replicas[Signal.KV], replicas[Signal.KV_CAPACITY]
    tokens = np.where(replicas.live & use.known & room.known, use.value * room.value, 0.0)
    held = groups.total(tokens, replicas.variant)
    some = (running >= _FEW) & (held > 0.0)
    prompts = np.divide(held, running, out=prior.in_tokens.copy(), where=some)
    return replace(prior, in_tokens=prompts, out_tokens=_answers(snapshot, groups, prior.out_tokens))


def _answers(snapshot: Snapshot, groups: Groups, assumed: FloatArray) -> FloatArray:
    """Tokens made for each request that ended, those of running ones included: shape (groups,), ``assumed`` at least.

    The first to finish are the short ones, so their mean is low for as long as an answer takes. All tokens made over all
    requests ended is what lifetimes that are cut off make of it (the exponential law's maximum likelihood), and so large while
    nobody finishes; what is assumed counts as twenty requests.
    """
    replicas = snapshot.replicas
    ended, made = replicas[Signal.REQUEST_RATE], replicas[Signal.GENERATION_TOKEN_RATE]
    both = replicas.live & ended.known & made.known
    tokens, requests = (
        groups.total(np.where(both, rate.value, 0.0), replicas.variant) * _RATE_SECONDS for rate in (made, ended)
    )
    return np.maximum((tokens + _ASSUMED_REQUESTS * assumed) / (requests + _ASSUMED_REQUESTS), assumed)
