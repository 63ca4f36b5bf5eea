"""Replicas by cost: what differs from upstream, and what never happens."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.core.allocation.budgets import Budgets, Constraint
from wva_exporter.core.allocation.cost_aware import cost_aware
from wva_exporter.core.allocation.least_cost import decide, make_before_break
from wva_exporter.core.allocation.request import Offer, Request, Targets, Word
from wva_exporter.core.fleet import Role


def offer(name: str, cost: float, capacity: float, current: int, **more: object) -> Offer:
    """A variant of an A100 model."""
    given_ = {"role": Role.BOTH, "accelerator": "A100", **more}
    return Offer(name=name, cost=cost, capacity=(capacity,), current=current, **given_)  # type: ignore[arg-type]


def request(*offers: Offer, lack: float = 0.0, free: float = 0.0, model: str = "m", priority: float = 1.0) -> Request:
    """A model with one analyzer and one role."""
    word = Word(score=1.0, required={Role.BOTH: lack}, spare={Role.BOTH: free}, total_required=lack)
    return Request(
        model=model,
        namespace="n",
        priority=priority,
        words=(word,),
        offers=offers,
        demand={Role.BOTH: 0.0},
        total_demand=0.0,
    )


def pool(gpus: float) -> Budgets:
    """So many free A100."""
    return Budgets.of([Constraint(pools={"A100": (gpus, 0.0)})])


def test_a_dear_replica_goes_only_when_its_substitute_serves() -> None:
    """First the cheap one comes; the dear one leaves in the cycle that finds it ready."""
    asked = request(offer("dear", 100, 20_000, 1), offer("cheap", 1, 10_000, 1), free=19_999)
    targets = decide([asked], None).targets
    assert targets == {"dear": 0, "cheap": 2}
    make_before_break([asked], targets)
    assert targets == {"dear": 1, "cheap": 2}

    waiting = request(offer("dear", 100, 20_000, 1), offer("cheap", 1, 10_000, 2, pending=1), free=19_999)
    targets = decide([waiting], None).targets
    make_before_break([waiting], targets)
    assert targets == {"dear": 1, "cheap": 2}

    ready = request(offer("dear", 100, 20_000, 1), offer("cheap", 1, 10_000, 2), free=29_999)
    targets = decide([ready], None).targets
    make_before_break([ready], targets)
    assert targets == {"dear": 0, "cheap": 2}


def test_a_small_saving_moves_nothing() -> None:
    """Replicas that have to load a model are not worth a twentieth of the cost."""
    asked = request(offer("a", 100, 10_000, 3), offer("b", 95, 10_000, 0), free=1.0)
    assert decide([asked], None).targets == {"a": 3, "b": 0}


def test_the_last_replica_of_a_role_stays() -> None:
    """Going to zero is decided elsewhere, on proof."""
    assert decide([request(offer("a", 1, 10_000, 3), free=30_000)], None).targets == {"a": 1}


def test_whoever_lacks_most_is_served_first() -> None:
    """By priority times need, replica by replica."""
    needy = request(offer("a", 1, 10_000, 1), lack=50_000, model="a")
    modest = request(offer("b", 1, 10_000, 1), lack=10_000, model="b", priority=6.0)
    decided = decide([needy, modest], pool(2))
    assert decided.targets == {"a": 2, "b": 2}
    assert decided.short_of_hardware == {("n/a", Role.BOTH)}


def test_another_kind_of_hardware_takes_over() -> None:
    """Where the cheap kind is used up the next one grows."""
    budgets = Budgets.of([Constraint(pools={"A100": (1.0, 0.0), "H100": (9.0, 0.0)})])
    asked = request(offer("a", 1, 10_000, 1), offer("h", 5, 10_000, 0, accelerator="H100"), lack=30_000)
    assert decide([asked], budgets).targets == {"a": 2, "h": 2}


def test_hardware_that_does_for_all_is_not_rationed() -> None:
    """Each gets its wish, as without limits."""
    asked = [request(offer(n, 1, 10_000, 1), lack=30_000, model=n) for n in "ab"]
    assert decide(asked, pool(6)).targets == decide(asked, None).targets == {"a": 4, "b": 4}


OFFERS = st.lists(
    st.tuples(
        st.integers(1, 50), st.integers(1, 40), st.integers(0, 4), st.integers(1, 3), st.none() | st.integers(4, 6)
    ),
    min_size=1,
    max_size=3,
)


def offers(drawn: list[tuple[int, int, int, int, int | None]], prefix: str = "v") -> list[Offer]:
    """Variants as drawn."""
    return [
        offer(f"{prefix}{i}", float(c), 1000.0 * p, n, gpus=g, maximum=m) for i, (c, p, n, g, m) in enumerate(drawn)
    ]


def price(its: list[Offer], targets: Targets) -> float:
    """What the model costs."""
    return sum(each.cost * targets[each.name] for each in its)


@given(OFFERS, st.integers(1, 90_000))
def test_growing_never_costs_more_than_upstream(drawn: list[tuple[int, int, int, int, int | None]], lack: int) -> None:
    """And carries what is lacking wherever upstream does."""
    its = offers(drawn)
    ours, theirs = (
        decide([request(*its, lack=float(lack))], None).targets,
        cost_aware([request(*its, lack=float(lack))]),
    )

    def added(targets: Targets) -> float:
        return sum((targets[each.name] - each.current) * each.capacity[0] for each in its)

    if added(theirs) >= lack:
        assert added(ours) >= lack - 1e-6
        assert price(its, ours) <= price(its, theirs) + 1e-9


@given(OFFERS, st.integers(1, 90_000))
def test_shrinking_never_costs_more_nor_carries_less_than_needed(
    drawn: list[tuple[int, int, int, int, int | None]], free: int
) -> None:
    """Whatever is composed anew."""
    its = offers(drawn)
    before = {each.name: each.current for each in its}
    targets = decide([request(*its, free=float(free))], None).targets
    needed = sum(each.capacity[0] * each.current for each in its) - free
    assert price(its, targets) <= price(its, before)
    assert sum(each.capacity[0] * targets[each.name] for each in its) >= needed - 1e-6


@given(OFFERS, OFFERS, st.integers(1, 90_000), st.integers(1, 90_000), st.integers(0, 12))
def test_no_more_gpus_are_used_than_there_are(
    first: list[tuple[int, int, int, int, int | None]],
    second: list[tuple[int, int, int, int, int | None]],
    one: int,
    other: int,
    gpus: int,
) -> None:
    """Nothing is promised twice."""
    asked = [request(*offers(first, "a"), lack=float(one)), request(*offers(second, "b"), lack=float(other), model="k")]
    targets = decide(asked, pool(float(gpus))).targets
    more = [(each, targets[each.name] - each.current) for ask in asked for each in ask.offers]
    assert all(count >= 0 for _, count in more)
    assert sum(count * each.gpus for each, count in more) <= gpus
