"""Contenders in closed loop: the same requests for all, every one of them accounted for, and the same bytes again."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loop_builder import steps, variant

from wva_exporter.twin.closed_loop import run
from wva_exporter.twin.contenders import CONTENDERS, contender
from wva_exporter.twin.limits import Levels
from wva_exporter.twin.requests import Ending
from wva_exporter.twin.run import Action, Run, reversals
from wva_exporter.twin.scheduled import Scheduled

RISE = steps((2.0, 60.0), (14.0, 240.0), warm=30.0)


def orders(*rows: tuple[float, int]) -> Scheduled:
    """Replicas of the only variant, each from its time on."""
    starts, replicas = zip(*rows, strict=True)
    return Scheduled(name="orders", orders=Levels(starts=starts, replicas=tuple((k,) for k in replicas)))


def everything(outcome: Run) -> dict[str, object]:
    """All numbers of a run but the time that deciding took, as bytes."""
    requests, timeline = outcome.requests, outcome.timeline
    columns = {field.name: getattr(requests, field.name).tobytes() for field in fields(requests)}
    moments = {field.name: np.asarray(getattr(timeline, field.name)).tobytes() for field in fields(timeline)}
    rest = (outcome.cost, outcome.replica_seconds, outcome.energy_joules, outcome.changes, outcome.decisions)
    return {"requests": columns, "timeline": moments, "rest": repr(rest)}


@pytest.mark.parametrize("name", ["hpa", "keda", "wva-v2", "headroom"])
def test_the_same_run_twice_is_the_same_bytes(name: str) -> None:
    """Nothing depends on the machine, the time or the run before."""
    assert everything(run(RISE, contender(name), 3)) == everything(run(RISE, contender(name), 3))


def test_every_contender_meets_the_same_requests() -> None:
    """Arrivals and sizes depend on scenario and seed alone; another seed has others."""
    runs = [run(RISE, CONTENDERS[name], 1).requests for name in ("static-min", "static-max", "hpa")]
    for other in runs[1:]:
        assert other.arrival_seconds.tobytes() == runs[0].arrival_seconds.tobytes()
        assert other.output_tokens.tobytes() == runs[0].output_tokens.tobytes()
    assert run(RISE, CONTENDERS["hpa"], 2).requests.arrival_seconds.tobytes() != runs[0].arrival_seconds.tobytes()


@settings(max_examples=6, deadline=None)
@given(
    name=st.sampled_from(["static-min", "hpa", "keda", "wva-v1", "headroom"]),
    rate=st.floats(0.5, 12.0),
    patience=st.sampled_from([5.0, 60.0, float("inf")]),
    startup=st.floats(5.0, 120.0),
)
def test_every_request_is_accounted_for_once(name: str, rate: float, patience: float, startup: float) -> None:
    """Those that arrived within the scored time, and no others, each with one ending; served ones have their times."""
    scenario = steps((rate, 60.0), (2 * rate, 60.0), variants=(variant(startup=startup),), patience=patience, warm=30.0)
    found = run(scenario, contender(name), 1).requests
    expected = scenario.requests(1).between(0.0, 120.0)
    assert found.arrival_seconds.tolist() == expected.arrival_seconds.tolist()
    served = found.ending == Ending.SERVED.code
    assert np.isfinite(found.ttft_seconds[served]).all()
    assert (found.ttft_seconds[served] > 0.0).all()
    assert np.isnan(found.itl_seconds[~served]).all()


def test_impatient_clients_of_a_small_fleet_fail() -> None:
    """Misses are rows as well, with their ending."""
    scenario = steps((40.0, 60.0), patience=5.0)
    found = run(scenario, CONTENDERS["static-min"], 1).requests
    assert np.count_nonzero(found.ending == Ending.TIMED_OUT.code) > len(found) // 4


def test_cost_counts_from_asking_to_leaving_and_within_the_scored_time_only() -> None:
    """One replica all the time, two more from 100 s, of which one leaves at 400 s: idle, so at once."""
    quiet = steps((0.0, 0.0), (1.0, 600.0), warm=120.0)
    found = run(quiet, orders((-60.0, 1), (100.0, 3), (400.0, 2)), 1)
    seconds = found.replica_seconds["h100"]
    assert seconds == pytest.approx(600.0 + 500.0 + 300.0, abs=15.0)
    assert found.cost["h100"] == pytest.approx(seconds * 2.0 / 3600.0)
    assert [(change.at, change.before, change.after) for change in found.changes] == [(100.0, 1, 3), (400.0, 3, 2)]


def test_the_timeline_shows_replicas_as_they_come() -> None:
    """Asked for at 100 s with 60 s of start-up: pending at 105 and 150, ready at 165."""
    found = run(steps((1.0, 300.0)), orders((0.0, 1), (100.0, 3)), 1).timeline
    assert found.seconds.tolist() == [15.0 * place for place in range(21)]
    ready, pending = found.ready[:, 0].tolist(), found.pending[:, 0].tolist()
    assert (ready[6], pending[6]) == (1, 0)
    assert (ready[7], pending[7], ready[10], pending[10]) == (1, 2, 1, 2)
    assert (ready[11], pending[11]) == (3, 0)
    assert found.desired[:, 0].tolist() == [1] * 7 + [3] * 14
    assert float(found.offered_rps[1:].mean() * 300.0) == pytest.approx(len(steps((1.0, 300.0)).requests(1)))


def test_those_inside_at_the_end_are_served_after_it() -> None:
    """A backlog that is left when the scored time ends is still worked off, at no cost."""
    scenario = steps((12.0, 60.0))
    found = run(scenario, CONTENDERS["static-min"], 1)
    assert (found.requests.ending == Ending.SERVED.code).all()
    assert float((found.requests.arrival_seconds + found.requests.ttft_seconds).max()) > 60.0
    assert found.replica_seconds["h100"] == pytest.approx(60.0)


def test_a_fleet_of_nobody_serves_nobody() -> None:
    """Without a replica for hours requests stay unserved, and the run ends all the same."""
    scenario = steps((0.2, 60.0), variants=(variant(replicas=0, least=0),), patience=30.0)
    found = run(scenario, CONTENDERS["static-min"], 1)
    assert set(found.requests.ending.tolist()) == {Ending.TIMED_OUT.code}
    assert found.replica_seconds["h100"] == 0.0


def test_patient_clients_that_a_fleet_never_serves_have_timed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long they would wait: one replica and two are scored on the same requests, and so is a fleet of nobody."""
    monkeypatch.setattr("wva_exporter.twin.closed_loop.LONGEST_SECONDS", 60.0)
    cards = variant(replicas=0, least=0)
    scenario = steps((40.0, 120.0), variants=(cards,), warm=30.0)
    runs = [run(scenario, contender(f"static-{k}"), 1).requests for k in (0, 1, 2)]
    expected = scenario.requests(1).between(0.0, 120.0)
    late = [int(np.count_nonzero(found.ending == Ending.TIMED_OUT.code)) for found in runs]
    assert len(expected) == late[0] > late[1] > late[2] > 0
    for found in runs:
        assert found.arrival_seconds.tolist() == expected.arrival_seconds.tolist()
        assert found.prompt_tokens.tolist() == expected.prompt_tokens.tolist()
        assert found.output_tokens.tolist() == expected.output_tokens.tolist()
        assert set(found.ending.tolist()) <= {Ending.SERVED.code, Ending.TIMED_OUT.code}
        assert np.isnan(found.ttft_seconds[found.ending == Ending.TIMED_OUT.code]).all()


def test_reversals_are_changes_against_the_one_just_before() -> None:
    """Up, up, down is one; after ten minutes, or in another variant, a change takes nothing back."""
    ups = [Action(0.0, "a", 1, 3), Action(100.0, "a", 3, 4)]
    assert reversals([*ups, Action(200.0, "a", 4, 2)]) == 1
    assert reversals([*ups, Action(200.0, "a", 4, 2), Action(300.0, "a", 2, 3)]) == 2
    assert reversals([*ups, Action(701.0, "a", 4, 2)]) == 0
    assert reversals([*ups, Action(200.0, "b", 4, 2)]) == 0


def test_an_outage_of_prometheus_at_the_peak_takes_no_replica_away() -> None:
    """While nothing can be read, whoever reads holds; the fleet is what it was."""
    busy = steps((14.0, 500.0), variants=(variant(replicas=4),), warm=120.0)
    for name in ("hpa", "headroom", "wva-v2"):
        found = run(busy, contender(name), 1, blackouts=[(150.0, 420.0)])
        within = [change for change in found.changes if 170.0 < change.at < 420.0]
        assert all(change.after >= change.before for change in within), name


def test_a_policy_asks_and_gets_more_when_the_load_rises() -> None:
    """End to end: scrapes, snapshot, plan, published target, HPA, new pods that serve."""
    for name in ("headroom", "wva-v1", "wva-v2", "headroom(actuator=direct)", "headroom(actuator=hpa-default)"):
        found = run(RISE, contender(name), 1)
        assert found.timeline.ready[-1, 0] > 1, name
        assert found.timeline.desired.max() >= found.timeline.ready.max()


def test_two_variants_have_an_actuator_each() -> None:
    """A small and a large card: both stay within their bounds, and what is asked for is split by name."""
    pair = (variant("small", cost=1.0, most=4), variant("large", cost=3.0, most=3))
    found = run(replace(RISE, variants=pair), contender("headroom"), 1)
    assert found.timeline.variants == ("small", "large")
    assert (found.timeline.desired <= [4, 3]).all()
    assert {change.variant for change in found.changes} <= {"small", "large"}
    assert found.cost.keys() == {"small", "large"}
