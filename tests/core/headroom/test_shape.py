"""What requests weigh, before and after enough of them were finished."""

from __future__ import annotations

import pytest
from fleet_builder import R, V, fleet, snapshot

from wva_exporter.conventions import Signal
from wva_exporter.core.fleet import Role
from wva_exporter.core.headroom.groups import Groups
from wva_exporter.core.headroom.shape import PRIOR_OUT_TOKENS, Shape, shape
from wva_exporter.core.snapshot import Snapshot


def seen(*, role: Role = Role.BOTH, running: float = 40.0, **signals: float) -> Shape:
    """The shape after one look at a replica with these signals, by their names."""
    named = {Signal[name.upper()]: value for name, value in signals.items()}
    look = snapshot(fleet(V(name="v", role=role)), [R(v="v", running=running, signals=named)])
    groups = Groups.of(look.fleet)
    return shape(Shape.prior(groups), look, groups, 300.0)


def test_before_anything_was_seen_answers_are_taken_for_long() -> None:
    """The guess is generous, and nothing is measured."""
    found = seen(request_rate=0.0, generation_token_rate=0.0)
    assert found.out_tokens.tolist() == [PRIOR_OUT_TOKENS]
    assert not found.measured.any()


def test_answers_that_still_run_show_how_long_they_are() -> None:
    """A minute of 1200 tokens a second and nobody done: the guess counts as twenty requests beside these tokens."""
    found = seen(request_rate=0.0, generation_token_rate=1200.0)
    assert found.out_tokens[0] == pytest.approx((1200 * 60 + 20 * PRIOR_OUT_TOKENS) / 20)


def test_the_short_ones_that_finish_first_do_not_hide_the_long_ones() -> None:
    """A few answers of 50 tokens end while most tokens go to answers that do not."""
    few = seen(running=200.0, request_rate=0.1, generation_token_rate=4000.0, output_tokens=50.0)
    assert few.out_tokens[0] > 5 * PRIOR_OUT_TOKENS


def test_what_was_finished_is_believed_once_it_is_enough() -> None:
    """Far more than fifty, and than twice those that run."""
    found = seen(request_rate=10.0, generation_token_rate=2000.0, output_tokens=200.0)
    assert found.out_tokens.tolist() == [200.0]
    assert found.measured.all()


def test_a_prefill_replica_answers_with_one_token_whatever_it_says() -> None:
    """Some engines tell of the answer that was asked for, which others will give."""
    found = seen(role=Role.PREFILL, request_rate=10.0, generation_token_rate=10.0, output_tokens=400.0)
    assert found.out_tokens.tolist() == [1.0]


def after(in_tokens: float, *, rate: float = 1.0, silent: bool = False) -> Shape:
    """The shape after prompts of 1000 tokens were measured, and now these, at so many requests a second for five minutes."""
    kinds = fleet(V(name="v"))
    groups = Groups.of(kinds)
    signals = {Signal.REQUEST_RATE: rate, Signal.OUTPUT_TOKENS: 200.0}
    first = snapshot(kinds, [R(v="v", running=4.0, signals={**signals, Signal.INPUT_TOKENS: 1000.0})])
    now = snapshot(kinds, [R(v="v", running=4.0, silent=silent, signals={**signals, Signal.INPUT_TOKENS: in_tokens})])
    return shape(shape(Shape.prior(groups), first, groups, 300.0), now, groups, 300.0)


@pytest.mark.parametrize("in_tokens", [1000.0, 1080.0, 920.0])
def test_a_mean_that_moved_by_chance_alone_has_not_moved(in_tokens: float) -> None:
    """Of 300 requests it scatters by 1000 / sqrt(300) = 58 tokens."""
    assert after(in_tokens).in_tokens.tolist() == [1000.0]


@pytest.mark.parametrize("in_tokens", [1100.0, 900.0, 5000.0])
def test_a_mean_that_moved_by_more_counts_at_once(in_tokens: float) -> None:
    """In either direction, and whole."""
    assert after(in_tokens).in_tokens.tolist() == [in_tokens]


def test_of_more_requests_a_smaller_change_is_none_of_chance() -> None:
    """8 % of 6000 requests."""
    assert after(1080.0, rate=20.0).in_tokens.tolist() == [1080.0]


def test_of_few_requests_a_tenth_is_no_chance_any_more() -> None:
    """Sixty requests scatter by more, but what became a quarter larger for good must show."""
    assert after(1080.0, rate=0.2).in_tokens.tolist() == [1000.0]
    assert after(1250.0, rate=0.2).in_tokens.tolist() == [1250.0]


def test_of_hits_in_the_prefix_cache_the_misses_count() -> None:
    """From 95 to 94 of a hundred is a fifth more to compute; from 10 to 14 hardly less."""
    kinds = fleet(V(name="v"))
    groups = Groups.of(kinds)

    def told(hits: float) -> Snapshot:
        signals = {Signal.REQUEST_RATE: 1.0, Signal.OUTPUT_TOKENS: 200.0, Signal.INPUT_TOKENS: 1000.0}
        return snapshot(kinds, [R(v="v", running=4.0, signals={**signals, Signal.PREFIX_HIT_RATIO: hits})])

    def moved(before: float, now: float) -> list[float]:
        first = shape(Shape.prior(groups), told(before), groups, 300.0)
        return shape(first, told(now), groups, 300.0).hit_ratio.tolist()

    assert moved(0.95, 0.94) == [0.94]
    assert moved(0.10, 0.14) == [0.10]


def test_sizes_stay_while_nobody_tells() -> None:
    """A silent engine makes no request smaller."""
    assert after(10.0, silent=True).in_tokens.tolist() == [1000.0]
