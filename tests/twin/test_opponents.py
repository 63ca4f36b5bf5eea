"""Contenders by name and settings, and what is characteristic of each of them in a small closed loop."""

import pytest
from loop_builder import ENGINE, steps, variant

from wva_exporter.core.fleet import Thresholds
from wva_exporter.errors import InvalidValue
from wva_exporter.twin.actuators import Actuator
from wva_exporter.twin.closed_loop import run
from wva_exporter.twin.contenders import CONTENDERS, alike, contender
from wva_exporter.twin.limit_sizes import full_batch
from wva_exporter.twin.opponents.autoscaled import KvAndQueue
from wva_exporter.twin.opponents.behaviours import windows
from wva_exporter.twin.opponents.concurrent import Concurrency
from wva_exporter.twin.opponents.scaled import RouterTriggers
from wva_exporter.twin.opponents.static import Static
from wva_exporter.twin.planner import Planner
from wva_exporter.twin.run import Run

RISE = steps((2.0, 120.0), (30.0, 480.0), variants=(variant(startup=45.0),), patience=60.0)


def first_rise(found: Run) -> float:
    """When more was first asked for."""
    return next(change.at for change in found.changes if change.after > change.before)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("static-4", Static(name="static-4", size=4)),
        ("hpa(kv=.2,queue=2)", KvAndQueue(name="hpa(kv=.2,queue=2)", kv=0.2, queue=2.0)),
        ("hpa(queue=0)", KvAndQueue(name="hpa(queue=0)", kv=0.5, queue=None)),
        ("hpa-concurrency(share=.5)", Concurrency(name="hpa-concurrency(share=.5)", share=0.5)),
        ("keda(running=40)", RouterTriggers(name="keda(running=40)", running=40.0)),
        (
            "wva-v2/exact(scale_up=0.6, scale_down=0.45)",
            Planner(
                name="wva-v2/exact(scale_up=0.6, scale_down=0.45)",
                policy="wva-v2/exact",
                scale_up=0.6,
                scale_down=0.45,
            ),
        ),
        (
            "headroom(actuator=direct,parameters=1.3)",
            Planner(
                name="headroom(actuator=direct,parameters=1.3)",
                policy="headroom",
                actuator=Actuator.DIRECT,
                parameters=1.3,
            ),
        ),
    ],
)
def test_a_name_with_settings_is_a_contender(name: str, made: object) -> None:
    """What a table prints can be typed again."""
    assert contender(name) == made
    assert contender(name).name == name


def test_a_number_may_have_an_exponent() -> None:
    """And the largest values that are allowed are."""
    made = contender("headroom(parameters=1e3)")
    assert isinstance(made, Planner)
    assert made.parameters == 1000.0
    assert contender("hpa(kv=1,down=3.6e3)") == KvAndQueue(
        name="hpa(kv=1,down=3.6e3)", kv=1.0, behavior=windows(down_seconds=3600.0)
    )


def test_what_policies_grow_at_is_what_their_bounds_are_checked_against() -> None:
    """Settings that leave one of the two shares as it is are compared with the share that the policy really has."""
    usual = Thresholds.default(1)
    up, down = float(usual.scale_up[0]), float(usual.scale_down[0])
    for name in (f"wva-v2(scale_up={down})", f"wva-v2(scale_down={up})"):
        with pytest.raises(InvalidValue, match="must be above"):
            contender(name)
    contender(f"wva-v2(scale_up={down + 0.01:g})")
    contender(f"wva-v2(scale_down={up - 0.01:g})")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("hpa", "hpa()"),
        ("hpa", "hpa(queue=3.0,kv=.50)"),
        ("hpa-120s", "hpa(up=120)"),
        ("hpa(up=0)", "hpa(down=300)"),
        ("keda", "keda(running=16)"),
        ("hpa-concurrency", "hpa-concurrency(share=0.7)"),
        ("static-4", "static-04"),
        ("headroom", "headroom(actuator=hpa)"),
        ("wva-v2", "wva-v2/exact"),
        ("wva-v2()", "wva-v2(scale_up=0.85,scale_down=0.7)"),
        ("wva-v2-tuned", "wva-v2/exact(scale_down=0.45,scale_up=0.6)"),
    ],
)
def test_names_of_the_same_contender_are_alike(one: str, other: str) -> None:
    """However its settings are written, and whether those that are the defaults are given."""
    assert alike(contender(one), contender(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("hpa", "hpa(queue=4)"),
        ("hpa", "hpa-120s"),
        ("hpa", "keda"),
        ("static-1", "static-min"),
        ("wva-v1", "wva-v1()"),
        ("headroom", "headroom(parameters=1)"),
        ("wva-v2()", "wva-v2(scale_up=0.86)"),
    ],
)
def test_contenders_that_may_differ_in_some_run_are_not(one: str, other: str) -> None:
    """A minimum may be another number, and ``wva-v1()`` is ours while ``wva-v1`` is the original's arithmetic."""
    assert not alike(contender(one), contender(other))


def test_an_hpa_with_the_default_windows_is_not_one_without() -> None:
    """Kubernetes has default policies where ``behavior`` is given; they take other steps when load comes and goes."""
    one, other = contender("hpa"), contender("hpa(up=0,down=300)")
    assert not alike(one, other)
    load = steps(
        (2.0, 120.0), (30.0, 240.0), (2.0, 420.0), (25.0, 240.0), variants=(variant(startup=45.0),), patience=60.0
    )
    assert run(load, one, 1).changes != run(load, other, 1).changes


def test_windows_are_settings_of_an_hpa() -> None:
    """``up`` and ``down`` are seconds; the other one stays Kubernetes' own."""
    made = contender("hpa(kv=.2,queue=2,down=60)")
    assert isinstance(made, KvAndQueue)
    assert made.behavior is not None
    assert made.behavior.down.stabilization_seconds == 60.0
    assert made.behavior.up.stabilization_seconds == 0.0


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("hap", "no contender is called hap"),
        ("hpa(kv=)", "kv must be a number"),
        ("hpa(kv=-1)", "kv must be a number"),
        ("hpa(kv=0,queue=0)", "needs a metric"),
        ("hpa(window=3)", "no setting window"),
        ("headroom(actuator=cron)", "must be one of hpa, hpa-default, keda, keda-page, direct"),
        ("static-", "no contender is called static-"),
        ("hpa(kv=0.2,queue=2,kv=0.3)", "kv is given twice"),
        ("hpa(kv=0.2,kv=0.2)", "kv is given twice"),
        ("headroom(parameters=0)", "parameters must be a number above 0, got 0"),
        ("hpa-concurrency(share=0)", "share must be a number above 0, got 0"),
        ("keda(queue=0)", "queue must be a number above 0, got 0"),
        ("keda(running=0.0)", "running must be a number above 0, got 0.0"),
        ("wva-v2(scale_up=0)", "scale_up must be a number above 0, got 0"),
        ("headroom(scale_up=0.6)", "no setting scale_up"),
        ("hpa(kv=50)", "kv must be at most 1, a share such as 0.5, got 50"),
        ("hpa-concurrency(share=70)", "share must be at most 1, a share such as 0.5, got 70"),
        ("wva-v2(scale_up=85)", "scale_up must be at most 1, a share such as 0.5, got 85"),
        ("wva-v2(scale_up=0.5,scale_down=0.9)", "scale_up, 0.5, must be above scale_down, 0.9"),
        ("wva-v2/exact(scale_up=0.6)", "scale_up, 0.6, must be above scale_down, 0.7"),
        ("wva-v2(scale_down=0.85)", "scale_up, 0.85, must be above scale_down, 0.85"),
        ("hpa(up=3601)", "up must be at most 3600, got 3601"),
        ("keda(down=1e4)", "down must be at most 3600, got 1e4"),
        ("headroom(parameters=1001)", "parameters must be at most 1000, got 1001"),
        ("headroom(parameters=1e999)", "parameters must be at most 1000, got 1e999"),
        ("headroom(parameters=1e-999)", "parameters must be a number above 0, got 1e-999"),
        ("hpa(queue=1e)", "queue must be a number that is not negative, got 1e"),
        ("wva-v1(parameters=2)", "no setting parameters"),
    ],
)
def test_a_name_that_means_nothing_is_refused_in_words(name: str, word: str) -> None:
    """One line that says what is wrong."""
    with pytest.raises(InvalidValue, match=word) as refused:
        contender(name)
    assert "\n" not in str(refused.value)


def test_names_are_those_of_the_table() -> None:
    """Each contender is called as it is found, and every opponent that the arena needs is there."""
    assert all(name == found.name for name, found in CONTENDERS.items())
    needed = {"static-min", "static-peak", "hpa", "hpa-120s", "hpa-concurrency", "keda", "wva-v1", "wva-v2"}
    assert needed | {"wva-v2-tuned", "headroom"} <= CONTENDERS.keys()


def test_nobody_scales_a_static_fleet() -> None:
    """It gets its size when the run begins."""
    warm = steps((2.0, 120.0), warm=60.0)
    assert run(warm, contender("static-10"), 1).timeline.desired[:, 0].tolist() == [10] * 9
    assert run(warm, contender("static-4"), 1).actions == 0


@pytest.mark.parametrize("name", ["static-0", "static-5"])
def test_a_static_fleet_outside_the_bounds_of_a_variant_is_refused(name: str) -> None:
    """Instead of another fleet than was asked for, under the name of that one."""
    cards = (variant("a", most=10), variant("b", least=1, most=4))
    with pytest.raises(InvalidValue, match=f"{name}: steps has 1 to (10 replicas of a|4 replicas of b)"):
        run(steps((2.0, 120.0), variants=cards), contender(name), 1)


def test_a_fleet_for_the_peak_carries_it() -> None:
    """Its size is between one that drowns and the maximum."""
    found = run(RISE, contender("static-peak"), 1)
    assert 1 < int(found.timeline.desired[0, 0]) < 10
    assert int(found.timeline.waiting[-1]) < 10


def test_a_stabilisation_window_of_two_minutes_is_two_minutes_late() -> None:
    """Otherwise the same HPA asks within two syncs of the first scrape that shows the rise."""
    soon, late = (first_rise(run(RISE, contender(name), 1)) for name in ("hpa", "hpa-120s"))
    assert 120.0 < soon < 180.0
    assert soon + 90.0 < late < soon + 150.0


def test_an_hpa_on_concurrency_keeps_its_share_of_the_slots() -> None:
    """Given the true slots, it settles where requests per replica are at most its target."""
    steady = steps((20.0, 900.0))
    requests = steady.requests(1)
    slots = full_batch(ENGINE, float(requests.prompt_tokens.mean()), float(requests.output_tokens.mean()), 0.05)
    found = run(steady, contender("hpa-concurrency"), 1).timeline
    each = (found.running + found.waiting)[-10:] / found.ready[-10:, 0]
    assert each.max() <= 0.7 * slots * 1.25


def test_keda_wakes_a_fleet_that_sleeps_and_puts_it_to_sleep_again() -> None:
    """From zero on the router's queue at the next poll, and back after the cooldown."""
    nap = steps((0.0, 60.0), (2.0, 300.0), (0.0, 900.0), variants=(variant(replicas=0, least=0, startup=20.0),))
    found = run(nap, contender("keda"), 1)
    assert found.timeline.desired[0, 0] == 0
    assert found.timeline.desired[:, 0].max() >= 1
    assert found.timeline.desired[-1, 0] == 0
    assert 60.0 < first_rise(found) <= 60.0 + 15.0 + 30.0 + 5.0


def test_wva_v1_climbs_one_by_one() -> None:
    """Each step waits for the replica before."""
    found = run(RISE, contender("wva-v1"), 1)
    assert {change.after - change.before for change in found.changes if change.after > change.before} == {1}


def test_an_actuator_in_between_only_delays() -> None:
    """Directly actuated the same policy asks first; an HPA comes a sync, and a scrape of the exporter, later."""
    words = ("direct", "keda-page", "keda", "hpa")
    direct, page, keda, hpa = (first_rise(run(RISE, contender(f"headroom(actuator={word})"), 1)) for word in words)
    assert direct <= page <= direct + 15.0
    assert page <= keda == hpa <= direct + 15.0 + 15.0


def test_a_policy_may_be_told_the_truth_about_engines() -> None:
    """Instead of learning; told that engines are half as fast, it wants more of them."""
    steady = steps((20.0, 600.0), variants=(variant(replicas=3, most=20),), warm=300.0)
    true, slow = (run(steady, contender(f"headroom(parameters={k})"), 1) for k in ("1", "2"))
    assert slow.timeline.desired[-1, 0] > true.timeline.desired[-1, 0]
