"""Policy ``headroom``: all the capacity that the demand needs at once, and none of it given back before it is sure.

Each cycle, for every model and role: who arrives (flow balance), what requests weigh, what one replica carries within the
promise, and so how many replicas the level and the backlog need, in one jump. Nothing waits for an earlier wish to come true:
replicas on their way are supply. Less is asked for only once nothing of the last five minutes needed more, for whatever,
the tokens that are held fit into the rest, and no replica is full. Where service times are unknown the KV caches decide, and
the reason says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray, first_of
from wva_exporter.core.explanation import Explanation, Unit
from wva_exporter.core.headroom.case import Case, Windows, case, looked
from wva_exporter.core.headroom.guard import Answer, guarded, settled
from wva_exporter.core.headroom.mix import Offers, fit
from wva_exporter.core.headroom.state import Kept, recalled
from wva_exporter.core.policies.bounds import growth_limit
from wva_exporter.core.policies.proposal import Proposal
from wva_exporter.core.snapshot import REASON_CODE, Snapshot
from wva_exporter.errors import Reason

_MOST_TELLING_FIRST = tuple(
    REASON_CODE[reason]
    for reason in (
        Reason.NO_SERIES,
        Reason.SLO_UNREACHABLE,
        Reason.MAX_UNKNOWN,
        Reason.MAX,
        Reason.ALL_SATURATED,
        Reason.NO_HEADROOM,
        Reason.RESIDENT_TOKENS,
        Reason.SPARE_CAPACITY,
        Reason.CAPACITY_UNKNOWN,
        Reason.DOWN_WINDOW,
        Reason.NO_SLO,
    )
)
"""What binds a variant, in the order of the conditions of ``_reasons``."""

_STEADY = REASON_CODE[Reason.STEADY]


@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """The policy. ``spare_replicas`` of each model may fail without its promise being broken (N+1 is 1)."""

    windows: Windows = field(default_factory=Windows)
    spare_replicas: int = 0

    @property
    def name(self) -> str:
        """How a model selects it."""
        return "headroom"

    def propose(self, snapshot: Snapshot, chosen: BoolArray, memory: object) -> tuple[Proposal, object]:
        """Decide every chosen variant whose count is known, of a model and role of which some engine answers."""
        fleet = snapshot.fleet
        kept = recalled(memory, fleet, snapshot.time, self.windows.down_seconds)
        kept = looked(kept, snapshot, self.windows)
        now, kept = case(kept, snapshot, self.windows, self.spare_replicas)
        young = kept.window.young(snapshot.time)[: len(kept.groups)]
        standing = np.where(young, kept.groups.total(now.size * now.standing), 0.0)
        enough = np.maximum(np.maximum(now.enough, standing), now.need)
        offers = Offers(
            size=now.size,
            standing=now.standing,
            least=fleet.variants.minimum.astype(np.float64),
            most=_most(snapshot, kept, now),
            cost=fleet.variants.ranking_cost,
        )
        answer = guarded(snapshot, kept.groups, now, offers, fit(kept.groups, offers, now.need, enough))
        answer, needed = settled(answer, kept.groups, now, kept.needed, snapshot.time)
        decidable = chosen & _decidable(snapshot, now)
        meant = Column.of(  # a wish at the start may be noise; one that nobody can judge now still stands
            np.where(decidable, answer.replicas, kept.wanted.value),
            (decidable | kept.wanted.known) & ~young[kept.groups.of_variant],
        )
        proposal = _proposal(snapshot, now, answer, enough=enough, decidable=decidable, kept=kept)
        return proposal, replace(kept, wanted=meant, needed=needed)


def _most(snapshot: Snapshot, kept: Kept, now: Case) -> FloatArray:
    """Replicas that each variant may have: shape (variants,).

    Of a kind whose replicas do not come no more are asked for while the other kinds have room for what it lacks.
    """
    supply, groups = kept.supply, kept.groups
    maximum = snapshot.fleet.variants.maximum.otherwise(growth_limit(snapshot.counts.current))
    asked = np.maximum(kept.wanted.value, snapshot.counts.current.value)
    lacking = groups.total(np.where(supply.overdue, now.size * np.maximum(asked - supply.ready, 0.0), 0.0))
    room = groups.total(np.where(supply.overdue, 0.0, now.size * np.maximum(maximum - now.standing, 0.0)))
    elsewhere = (room >= lacking)[groups.of_variant] & (room > 0.0)[groups.of_variant]
    return np.where(supply.overdue & elsewhere, np.minimum(np.maximum(supply.ready, 1.0), maximum), maximum)


def _decidable(snapshot: Snapshot, now: Case) -> BoolArray:
    """Variants that are counted, of groups of which something is known: shape (variants,)."""
    return np.asarray(now.known[now.of_variant] & snapshot.counts.current.known)


def _proposal(
    snapshot: Snapshot, now: Case, answer: Answer, *, enough: FloatArray, decidable: BoolArray, kept: Kept
) -> Proposal:
    """The answer with its figures: shape (variants,)."""
    group = now.of_variant
    have = kept.groups.total(now.size * kept.supply.ready)
    timed = decidable & now.by_time[group]
    lacking, free = np.maximum(now.need - have, 0.0), np.maximum(have - enough, 0.0)
    use = np.divide(now.demand, have, out=np.zeros(len(have)), where=have > 0.0)
    return Proposal(
        target=Column.of(np.maximum(answer.replicas, _beyond(snapshot, kept, now, answer)), decidable),
        reason=_reasons(snapshot, now, answer, decidable),
        utilization=Column.of(use[group], decidable & (have[group] > 0.0)),
        required=Column.of(lacking[group], timed),
        spare=Column.of(free[group], timed),
        required_unit="requests_per_second",
        spare_unit="requests_per_second",
        explanation=_explanation(now, enough, decidable),
    )


def _beyond(snapshot: Snapshot, kept: Kept, now: Case, answer: Answer) -> FloatArray:
    """What would do, where growth without a maximum was limited: ``plan`` limits it again, and shows that it did.

    Of several kinds none alone would have to do. Shape (variants,), 0 elsewhere.
    """
    alone = kept.groups.alone[now.of_variant]
    limited = (
        alone & ~snapshot.fleet.variants.maximum.known & (answer.replicas >= growth_limit(snapshot.counts.current))
    )
    return np.where(limited, now.would_do, 0.0)


def _explanation(now: Case, enough: FloatArray, decidable: BoolArray) -> Explanation:
    group, sized = now.of_variant, decidable & (now.size > 0.0)
    size = np.where(sized, now.size, 1.0)
    timed = now.by_time[group]
    unit = np.where(timed, Unit.REQUESTS_PER_SECOND, np.where(now.in_tokens[group], Unit.TOKENS, Unit.KV_CACHES))
    numbers = Column.of(
        [
            now.asked[group],
            now.size,
            now.backlog[group],
            now.need[group] / size,
            enough[group] / size,
            now.capacity.doubt,
        ],
        [decidable, sized, decidable, sized, sized, sized & timed],
    )
    demand, capacity, backlog, wanted, kept, doubt = (numbers.row(place) for place in range(6))
    return Explanation(
        demand=demand,
        capacity=capacity,
        backlog=backlog,
        wanted=wanted,
        kept=kept,
        doubt=doubt,
        unit=np.where(decidable, unit, Unit.NONE),
        bound=np.where(sized & timed, now.capacity.bound, 0),
    )


def _capped(now: Case, wanted: FloatArray, maximum: Column) -> BoolArray:
    """Variants that may not have more, of groups that need more: shape (variants,)."""
    made = np.bincount(now.of_variant, weights=now.size * wanted, minlength=len(now.need))
    short = (now.need > made * (1.0 + 1e-9)) & now.by_time
    return np.asarray(short[now.of_variant] & maximum.known & (wanted >= maximum.value))


def _reasons(snapshot: Snapshot, now: Case, answer: Answer, decidable: BoolArray) -> IntArray:
    """What bound each variant, the most telling first."""
    group, wanted, standing = now.of_variant, answer.replicas, now.standing
    slo = snapshot.fleet.models.slo
    promised = (slo.ttft_seconds.known | slo.itl_seconds.known)[snapshot.fleet.variants.model]
    current, maximum = snapshot.counts.current, snapshot.fleet.variants.maximum
    would_do = now.would_do
    cut = ~maximum.known & (would_do > wanted) & (wanted >= growth_limit(current)) & (wanted > standing)
    return first_of(
        [
            ~decidable,
            answer.unreachable[group],
            cut,
            _capped(now, wanted, maximum),
            answer.saturated[group] & (wanted > standing),
            wanted > standing,
            answer.held_by_tokens[group],
            wanted < standing,
            ~now.by_time[group],
            (now.size > 0.0) & (would_do < standing) & (standing > snapshot.fleet.variants.minimum),
            ~promised,
        ],
        _MOST_TELLING_FIRST,
        _STEADY,
    )
