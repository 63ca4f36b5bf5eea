"""To zero only on proof, and back on the first request."""

from __future__ import annotations

from deciding import decide, targets, why
from fleet_builder import R, V, fleet, snapshot

from wva_exporter.core.snapshot import Snapshot
from wva_exporter.errors import Reason

ZERO = fleet(V(name="a100", minimum=0), V(name="h100", minimum=0, cost=40), retention=60.0)


def idle(time: float, router_queue: float | None = 0.0) -> Snapshot:
    """One replica of each variant without any request."""
    signals = dict.fromkeys([], 0.0)
    rows = [R(v=v, kv=0.0, running=0.0, signals=signals) for v in ("a100", "h100")]
    return snapshot(ZERO, rows, time=time, router_queue=router_queue)


def parked(time: float, router_queue: float | None) -> Snapshot:
    """Nothing runs, and kube-state-metrics says so."""
    none = {"a100": 0.0, "h100": 0.0}
    return snapshot(
        ZERO, [], time=time, current=none, declared=True, trouble=Reason.NO_SERIES, router_queue=router_queue
    )


def test_a_gap_between_cycles_is_no_proof() -> None:
    """The program slept for an hour: nobody knows what happened meanwhile."""
    assert targets(decide(idle(0), idle(15), idle(3600))) == {"a100": 1, "h100": 1}


def test_a_count_of_zero_does_not_silence_live_engines() -> None:
    """The workload named in the configuration is empty, and six engines answer: nothing is idle."""
    none = {"a100": 0.0, "h100": 0.0}
    view = snapshot(ZERO, [R(v="a100", kv=0.6)] * 6, time=0, current=none, declared=True, router_queue=0.0)
    assert targets(decide(view))["a100"] != 0


def test_zero_needs_proof_for_the_whole_retention() -> None:
    """A minute of known idleness, the router's queue included, and not a second less."""
    assert targets(decide(idle(0), idle(30), idle(59))) == {"a100": 1, "h100": 1}
    result = decide(idle(0), idle(30), idle(60))
    assert targets(result) == {"a100": 0, "h100": 0}
    assert why(result) == {"a100": Reason.IDLE, "h100": Reason.IDLE}


def test_without_a_router_series_nothing_goes_to_zero() -> None:
    """Nobody could wake it."""
    result = decide(idle(0, None), idle(45, None), idle(90, None))
    assert targets(result) == {"a100": 1, "h100": 1}
    assert set(why(result).values()) == {Reason.CANNOT_WAKE}


def test_a_waiting_request_wakes_the_cheapest_variant() -> None:
    """One replica, of one variant."""
    result = decide(parked(0, 0.0), parked(15, 3.0))
    assert targets(result) == {"a100": 1, "h100": 0}
    assert why(result)["a100"] == Reason.WOKEN


def test_a_parked_model_stays_parked_however_long() -> None:
    """Its engines' silence is not missing data."""
    result = decide(*(parked(t, 0.0) for t in range(0, 3600, 300)))
    assert targets(result) == {"a100": 0, "h100": 0}


def test_a_fleet_sent_to_zero_is_not_called_back_by_its_own_end() -> None:
    """Its engines are silent, or one of them still answers, while kube-state-metrics is late."""
    before = (idle(0), idle(30), idle(60))
    two = {"a100": 1.0, "h100": 1.0}
    rows = [R(v=v, silent=True) for v in ("a100", "h100")]
    late = snapshot(ZERO, rows, time=75, current=two, declared=True, trouble=Reason.REPLICA_UNKNOWN, router_queue=0.0)
    assert targets(decide(*before, late)) == {"a100": 0, "h100": 0}
    one = snapshot(
        ZERO, [R(v="a100", kv=0.0)], time=75, current=dict.fromkeys(two, 0.0), declared=True, router_queue=0.0
    )
    assert targets(decide(*before, one)) == {"a100": 0, "h100": 0}
