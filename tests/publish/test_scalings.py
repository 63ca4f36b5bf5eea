"""Counting the changes of the published target."""

from __future__ import annotations

from dataclasses import replace

from publish.plans import CHEAP, DEAR, V, plan_of

from wva_exporter.publish.scalings import Scalings


def counted(*plans: tuple[V, ...], policies: tuple[str, ...] = ()) -> dict[str, tuple[int, int]]:
    """Rises and falls by variant after these Plans, each with a policy if some are given."""
    scalings = Scalings.none()
    chosen = policies or ("wva-v1",) * len(plans)
    for variants, policy in zip(plans, chosen, strict=True):
        plan = plan_of(*variants, policy=policy)
        scalings = scalings.after(plan)
    counts = zip(scalings.rises.tolist(), scalings.falls.tolist(), strict=True)
    return dict(zip(plan.fleet.variants.name, counts, strict=True))


def at(target: float | None) -> V:
    """The cheap variant with this target."""
    return replace(CHEAP, target=target)


def test_the_first_target_is_no_change() -> None:
    """There is nothing that it changed."""
    assert counted((at(3), DEAR)) == {"llama-a100": (0, 0), "llama-h100": (0, 0)}


def test_a_rise_and_a_fall_count_once_each_whatever_their_size() -> None:
    """The series counts decisions, not replicas."""
    assert counted((at(3),), (at(7),), (at(7),), (at(2),)) == {"llama-a100": (1, 1)}


def test_a_target_that_comes_back_different_after_a_gap_is_one_change() -> None:
    """A withdrawal itself is none: it has its own series."""
    assert counted((at(3),), (at(None),), (at(3),)) == {"llama-a100": (0, 0)}
    assert counted((at(3),), (at(None),), (at(None),), (at(4),)) == {"llama-a100": (1, 0)}


def test_a_variant_that_left_is_forgotten() -> None:
    """Vanished variants vanish, and one that returns starts at 0."""
    assert counted((at(3), DEAR), (at(4), DEAR), (DEAR,)) == {"llama-h100": (0, 0)}
    assert counted((at(3), DEAR), (at(4), DEAR), (DEAR,), (at(9), DEAR))["llama-a100"] == (0, 0)


def test_rows_may_move_between_plans() -> None:
    """Counts follow names and not places."""
    assert counted((at(3), DEAR), (DEAR, at(4)), (at(5), DEAR)) == {"llama-a100": (2, 0), "llama-h100": (0, 0)}


def test_another_policy_starts_its_own_count() -> None:
    """The policy is a label: its counter begins at 0, and the change that it made counts for it."""
    plans = ((at(3),), (at(4),), (at(5),))
    assert counted(*plans, policies=("wva-v1", "wva-v1", "headroom")) == {"llama-a100": (1, 0)}


def test_the_same_fleet_is_not_looked_up_again() -> None:
    """With an unchanged fleet the rows stay where they are."""
    first = plan_of(at(3), DEAR)
    second = plan_of(at(5), DEAR, fleet=first.fleet)
    after = Scalings.none().after(first).after(second)
    assert after.rises.tolist() == [1, 0]
    assert after.fleet is first.fleet
