"""What one replica carries, and what binds it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from headroom_builder import SERVICE_SECONDS, believed

from wva_exporter.core.columns import Column, floats, integers
from wva_exporter.core.explanation import Bound
from wva_exporter.core.fleet import Role
from wva_exporter.core.headroom.capacity import MOST_CAUTION, Capacity, Terms, capacity
from wva_exporter.core.queueing.belief import Belief


def terms(
    *,
    kv: float | None = 1e6,
    sequences: int = 256,
    ttft: float | None = None,
    itl: float | None = None,
    role: Role = Role.BOTH,
    belief: Belief | None = None,
) -> Terms:
    """One variant with prompts of 600 tokens and answers of 200."""
    return Terms(
        belief=belief or believed(1, 1e-6),
        in_tokens=floats([600]),
        out_tokens=floats([200]),
        hit_ratio=floats([0]),
        role=integers([role]),
        kv_tokens=Column.from_optional([kv]),
        sequences=integers([sequences]),
        chunk_tokens=floats([8192]),
        ttft_seconds=Column.from_optional([ttft]),
        itl_seconds=Column.from_optional([itl]),
    )


def bound(found: Capacity) -> Bound:
    """What binds the one variant."""
    return Bound(int(found.bound[0]))


def itl_seconds(found: Capacity) -> float:
    """Time of a token in a full batch: the service time without its prefill, a token's share."""
    batch = float(found.batch[0])
    return float((found.base_seconds + found.slope_seconds * batch)[0]) / 200


def test_sequences_bind_where_memory_is_plenty() -> None:
    """No more run than the engine was told."""
    found = capacity(terms(sequences=32))
    assert (bound(found), found.batch.tolist()) == (Bound.SEQUENCES, [32])
    whole = found.base_seconds + 32 * found.slope_seconds
    assert found.rate_rps.tolist() == pytest.approx((32 / whole).tolist(), rel=1e-4)


def test_memory_keeps_room_for_its_variance() -> None:
    """Of n requests that hold m tokens, n m + m sqrt(n) / 2 must fit: of 70 that would in the mean fewer are let in."""
    found = capacity(terms(kv=49_000))
    n = float(found.batch[0])
    assert bound(found) is Bound.KV
    assert n * 700 + 350 * np.sqrt(n) <= 49_000 < (n + 1) * 700 + 350 * np.sqrt(n + 1)


def test_a_promised_itl_limits_the_batch() -> None:
    """Within 0.95 of the promise, and the next request would break it."""
    free, bounded = capacity(terms()), capacity(terms(itl=0.012))
    assert bound(bounded) is Bound.ITL
    assert bounded.batch[0] < free.batch[0]
    assert itl_seconds(bounded) < 0.012 * 1.05


def test_a_promised_ttft_limits_the_batch() -> None:
    """A prompt is computed beside those that run."""
    assert bound(capacity(terms(ttft=0.025))) is Bound.TTFT


def test_a_promise_that_one_request_breaks_is_unreachable() -> None:
    """Even alone it takes longer."""
    assert capacity(terms(itl=SERVICE_SECONDS[0] / 2)).reachable.tolist() == [False]
    assert capacity(terms(itl=0.05)).reachable.tolist() == [True]


def test_roles_are_bound_by_their_own_half_of_the_promise() -> None:
    """A prefill replica decodes nothing, a decode replica computes no prompt."""
    strict = {"ttft": 0.025, "itl": 0.012}
    assert bound(capacity(terms(role=Role.PREFILL, **strict))) is Bound.TTFT
    assert bound(capacity(terms(role=Role.DECODE, **strict))) is Bound.ITL


def test_doubt_is_taken_on_the_slow_side_and_not_without_end() -> None:
    """One deviation slower, a quarter at most; beyond use nothing is known."""
    sure, unsure, lost = (capacity(terms(belief=believed(1, spread))) for spread in (1e-6, 0.1, 2.0))
    assert sure.rate_rps[0] > unsure.rate_rps[0] > sure.rate_rps[0] * np.exp(-MOST_CAUTION) * 0.99
    assert (unsure.known.tolist(), lost.known.tolist()) == ([True], [False])


def test_without_memory_or_times_nothing_is_known() -> None:
    """Unknown is not a capacity of zero."""
    assert capacity(terms(kv=None)).known.tolist() == [False]
    assert capacity(replace(terms(), belief=Belief.unknown(1))).known.tolist() == [False]
