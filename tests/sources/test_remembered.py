"""Which pods outlive the silence of their source, and for how long."""

from __future__ import annotations

from observation_builder import NAMESPACE, answer, observation, of_pod

from wva_exporter.conventions import Signal
from wva_exporter.errors import QueryFailure
from wva_exporter.sources.remembered import Remembered
from wva_exporter.sources.samples import Observation
from wva_exporter.sources.sight import sight

HOLD = 600.0


def seen(*cycles: Observation) -> list[str]:
    """The pods that the last of these cycles speaks of."""
    memory = Remembered(HOLD)
    names: list[str] = []
    for each in cycles:
        pods = sight(each, NAMESPACE, memory.pods).pods
        memory.note(pods, each, NAMESPACE)
        names = [pod.name for pod in memory.pods]
    return names


def silent(time: float, failure: QueryFailure | None = QueryFailure.TIMEOUT) -> Observation:
    """A source that names nothing, because it fails or because it knows nothing."""
    return Observation(time=time, answers={signal: answer(failure=failure) for signal in Signal})


def test_a_source_that_fails_makes_no_pod_disappear() -> None:
    """Nor does one that answers successfully and knows nothing."""
    assert seen(observation(pods=["p0", "p1"]), silent(1100.0)) == ["p0", "p1"]
    assert seen(observation(pods=["p0", "p1"]), silent(1100.0, None)) == ["p0", "p1"]


def test_a_source_that_stays_silent_is_not_believed_for_ever() -> None:
    """After twice the hold time its pods are forgotten."""
    assert seen(observation(pods=["p0"]), silent(1000.0 + 2 * HOLD)) == ["p0"]
    assert seen(observation(pods=["p0"]), silent(1001.0 + 2 * HOLD)) == []


def test_a_pod_that_is_gone_is_forgotten_after_the_hold_time() -> None:
    """The source knows other engines: what it does not name any more has left."""
    later = [observation(pods=["p1"], time=1000.0 + elapsed) for elapsed in (15.0, HOLD, HOLD + 1.0)]
    assert seen(observation(pods=["p0", "p1"]), *later[:2]) == ["p0", "p1"]
    assert seen(observation(pods=["p0", "p1"]), *later) == ["p1"]


def test_a_target_that_fails_for_longer_than_the_hold_time_still_exists() -> None:
    """Its ``up`` is 0: somebody scrapes it."""

    def failing(time: float) -> Observation:
        up = answer(of_pod("p0", 0.0, engine_type="up_now"), of_pod("p1", 1.0, engine_type="up_now"))
        return observation({Signal.UP: up}, pods=["p1"], time=time)

    assert seen(observation(pods=["p0", "p1"]), *(failing(1000.0 + 500.0 * n) for n in range(1, 9))) == ["p0", "p1"]


def test_a_pod_that_returns_under_another_model_is_of_that_model() -> None:
    """What is seen now outweighs what is remembered."""
    before = observation(pods=["p0"])
    renamed = {Signal.AGE: answer(of_pod("p0", 5.0, model_name="new")), Signal.SEEN: answer(of_pod("p0", 1.0))}
    memory = Remembered(HOLD)
    memory.note(sight(before, NAMESPACE).pods, before, NAMESPACE)
    [pod] = sight(observation(renamed, pods=["p0"]), NAMESPACE, memory.pods).pods
    assert pod.model == "new"
