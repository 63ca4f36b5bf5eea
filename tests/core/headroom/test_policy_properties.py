"""What holds of policy ``headroom`` whatever is seen."""

from __future__ import annotations

from collections.abc import Mapping

from fleet_builder import V
from headroom_builder import LOOSE, Life, believed, promised
from hypothesis import given, settings
from hypothesis import strategies as st

from wva_exporter.conventions import REPLICA_SIGNALS, Signal
from wva_exporter.core.decision import Plan
from wva_exporter.core.queueing.belief import Belief

KINDS = (V(name="a", cost=10.0, maximum=40), V(name="b", cost=25.0, maximum=30), V(name="other", model="m2"))
WILD = st.one_of(st.none(), st.just(float("nan")), st.floats(-1e12, 1e12), st.sampled_from([0.0, 1.0, 1e308, -1e308]))
PODS = st.fixed_dictionaries({"a": st.integers(0, 4), "b": st.integers(0, 3), "other": st.integers(0, 2)})
BELIEFS = st.one_of(
    st.none(),
    st.just(Belief.unknown(3)),
    st.builds(lambda spread, factor: believed(3, spread, factor), st.floats(1e-3, 3), st.floats(1e-6, 1e6)),
)


def listed(made: Plan) -> list[float | None]:
    """The targets."""
    return list(made.target.listed())


@given(
    calm=st.floats(1, 300),
    loads=st.tuples(st.floats(1, 2000), st.floats(1, 5)),
    pods=st.integers(1, 12),
    waiting=st.floats(0, 50),
)
@settings(max_examples=60, deadline=None)
def test_more_demand_never_asks_for_fewer(calm: float, loads: tuple[float, float], pods: int, waiting: float) -> None:
    """Two worlds that differ in the last cycle's arrivals only: the busier one has no fewer of any one kind."""
    of = promised(V(name="v", maximum=200))
    ends = []
    for load in (loads[0], loads[0] * loads[1]):
        life = Life(of=of, belief=believed(1), rules=LOOSE)
        life.settle({"v": pods}, calm, cycles=12)
        ends.append(life.cycle({"v": pods}, load, waiting=waiting).target.listed()[0])
    less, more = ends
    assert less is not None
    assert more is not None
    assert more >= less


@given(
    cycles=st.lists(
        st.tuples(PODS, st.dictionaries(st.sampled_from(REPLICA_SIGNALS), WILD, max_size=6)), min_size=1, max_size=6
    ),
    belief=BELIEFS,
)
@settings(max_examples=150, deadline=None)
def test_wild_snapshots_raise_nothing_and_repeat(
    cycles: list[tuple[Mapping[str, int], Mapping[Signal, float | None]]], belief: Belief | None
) -> None:
    """Any numbers at all: a plan within its bounds comes out, and the same one again."""
    of = promised(*KINDS)
    ends: list[list[list[float | None]]] = []
    for _ in range(2):
        life = Life(of=of, belief=belief, rules=LOOSE)
        ends.append([listed(life.cycle(pods, 50.0, signals=signals)) for pods, signals in cycles])
    assert ends[0] == ends[1]
    for target, kind in zip(ends[0][-1], KINDS, strict=True):
        assert target is None or (target == int(target) and kind.minimum <= target <= (kind.maximum or 0))


@given(rate=st.floats(5, 200), load=st.floats(5, 2000), silent=st.integers(1, 12))
@settings(max_examples=30, deadline=None)
def test_nothing_waits_for_an_earlier_wish(rate: float, load: float, silent: int) -> None:
    """However long the actuator did nothing, the answer to a load is no smaller than had it obeyed."""
    of = promised(V(name="v", maximum=200))
    ignored = Life(of=of, belief=believed(1), rules=LOOSE)
    ignored.settle({"v": 2}, rate, cycles=25)
    for _ in range(silent):
        wish = ignored.cycle({"v": 2}, rate * 2).target.listed()[0]
    after = ignored.cycle({"v": 2}, rate * 2 + load).target.listed()[0]
    assert wish is not None
    assert after is not None
    assert after >= wish
