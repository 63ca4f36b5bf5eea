"""An HPA on averages over pods, and on several metrics: Kubernetes' cases for pods that say nothing."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.twin.hpa import Autoscaler, Behavior, Direction, Memory, Policy, Unit, follow
from wva_exporter.twin.hpa_pods import propose_pods

QUICK = Direction(stabilization_seconds=0, policies=(Policy(unit=Unit.PODS, value=100, period_seconds=15),))


def pods(*values: float | None) -> tuple[dict[str, float], list[str]]:
    """Samples by pod and the pods there are; None: a pod without a sample."""
    names = [f"pod-{place}" for place in range(len(values))]
    return {name: value for name, value in zip(names, values, strict=True) if value is not None}, names


@pytest.mark.parametrize(
    ("values", "target", "proposed"),
    [
        ((0.9, 0.9), 0.5, 4),
        ((0.5, 0.5, 0.5), 0.5, 3),
        ((0.54, 0.54, 0.54), 0.5, 3),
        ((0.2, 0.2, 0.2), 0.5, 2),
        ((0.9, 0.9, None, None), 0.5, 4),
        ((0.9, 0.9, None), 0.5, 4),
        ((0.6, 0.6, None, None), 0.5, 4),
        ((0.1, 0.1, None, None), 0.5, 3),
        ((0.1, None), 0.5, 2),
        ((30.0,), 3.0, 10),
        ((0.0, 0.0), 3.0, 0),
    ],
    ids=[
        "twice the target asks for twice as many",
        "at the target nothing moves",
        "within a tenth nothing moves",
        "below it asks for less",
        "starting pods count as idle on the way up: what was ordered is not ordered again",
        "and what is still lacking is asked for",
        "no change of direction because of starting pods",
        "starting pods count as at the target on the way down",
        "which can hold the others",
        "a queue of thirty asks for ten",
        "nothing at all asks for none, and the minimum holds",
    ],
)
def test_proposals_of_a_pods_metric(values: tuple[float | None, ...], target: float, proposed: int) -> None:
    """The replica calculator's cases."""
    samples, names = pods(*values)
    assert propose_pods(samples, names, target=target, current=len(names)) == proposed


def test_without_any_sample_there_is_no_proposal() -> None:
    """Also when the only samples are of pods that are leaving."""
    assert propose_pods({}, ["pod-0"], target=0.5, current=1) is None
    assert propose_pods({"leaving": 0.9}, ["pod-0"], target=0.5, current=1) is None


def test_samples_of_leaving_pods_do_not_count() -> None:
    """A drained pod's full cache is no reason to grow."""
    assert propose_pods({"pod-0": 0.5, "leaving": 1.0}, ["pod-0"], target=0.5, current=1) == 1


@given(
    values=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40),
    starting=st.integers(0, 20),
    target=st.floats(0.05, 1.0),
)
def test_pods_on_their_way_never_make_it_ask_for_more(values: list[float], starting: int, target: float) -> None:
    """However many start, nobody asks for more than those that answer need, or than there are."""
    samples, names = pods(*values, *[None] * starting)
    alone = propose_pods(samples, names[: len(values)], target=target, current=len(values))
    proposed = propose_pods(samples, names, target=target, current=len(names))
    assert alone is not None
    assert proposed is not None
    assert proposed <= max(alone, len(names))


@given(values=st.lists(st.floats(0.0, 50.0), min_size=1, max_size=40), target=st.floats(0.5, 10.0))
def test_outside_the_dead_band_the_proposal_carries_the_sum(values: list[float], target: float) -> None:
    """Where every pod answers it is the sum over the target, rounded up; thousandths that are cut cost at most one replica."""
    samples, names = pods(*values)
    proposed = propose_pods(samples, names, target=target, current=len(names))
    exact = sum(values) / target
    if abs(exact / len(values) - 1.0) > 0.11:
        assert proposed is not None
        assert math.ceil(exact) - 1 <= proposed <= math.ceil(exact + 1e-3 * len(values) / target) + 1


def settled(current: int, *proposals: int | None, behavior: Behavior | None = None) -> int:
    """Replicas after one sync of an HPA that lets everything through."""
    hpa = Autoscaler(minimum=1, maximum=50, behavior=behavior or Behavior(up=QUICK, down=QUICK))
    return follow(hpa, Memory(), now=0.0, spec_replicas=current, proposals=proposals)[0]


@pytest.mark.parametrize(
    ("current", "proposals", "result"),
    [
        (4, (6, 3), 6),
        (4, (2, 3), 3),
        (4, (6, None), 6),
        (4, (2, None), 4),
        (4, (4, None), 4),
        (4, (None, None), 4),
        (4, (), 4),
    ],
)
def test_the_largest_proposal_counts_and_a_silent_metric_forbids_to_shrink(
    current: int, proposals: tuple[int | None, ...], result: int
) -> None:
    """What one metric does not say, the others may only answer with more."""
    assert settled(current, *proposals) == result
