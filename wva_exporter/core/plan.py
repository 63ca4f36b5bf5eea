"""One cycle's decision for a whole fleet: ``plan(snapshot, memory, policies, rules)``.

A policy says what it wants; then, in this order and for every policy alike: zero only on proof, no fall on doubtful data, no
boundless growth where nobody named a maximum, no fall faster than the brake, within [min, max], and last the operator's own
word. What cannot be decided is held, and withdrawn when it was held for too long. Pure: no clock, no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from wva_exporter.core import agreement, brake, gates
from wva_exporter.core.actuation import expected
from wva_exporter.core.chain import Chain
from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray
from wva_exporter.core.decision import Gauges, Memory, Plan, Step
from wva_exporter.core.explanation import Explanation
from wva_exporter.core.gates import Doubt
from wva_exporter.core.gauges import measure
from wva_exporter.core.policies import Policy, Proposal
from wva_exporter.core.policies.bounds import growth_limit
from wva_exporter.core.presumed import believe, presume
from wva_exporter.core.recall import recall
from wva_exporter.core.rules import Rules
from wva_exporter.core.snapshot import REASON_CODE, Snapshot
from wva_exporter.core.zero import Zero, at_zero
from wva_exporter.errors import InvalidValue, Reason


@np.errstate(
    over="ignore", invalid="ignore", divide="ignore"
)  # an absurd reading becomes infinite, which is refused later
def plan(
    snapshot: Snapshot, memory: Memory | None, policies: Mapping[str, Policy], rules: Rules
) -> tuple[Plan, Memory]:
    """Decide every variant of the snapshot's fleet.

    Args:
        snapshot: what was seen.
        memory: what the cycle before left, None after a start.
        policies: the policies that models name, by name.
        rules: the settings of the stages that follow a policy.

    Returns:
        The plan to publish, and the memory for the next cycle.

    Raises:
        InvalidValue: a model names a policy that ``policies`` lacks.
    """
    past = recall(memory, snapshot.fleet, snapshot.time, rules.window_seconds)
    snapshot = believe(snapshot, past)
    load = agreement.load(snapshot)
    doubts = gates.doubt(snapshot, agreement.agree(load, past.load))
    known_count = gates.known_counts(snapshot, past, doubts.complete)
    recent = brake.advance(past.recent, past.time, snapshot.time)
    view, short_since = presume(snapshot, past, rules)
    wanted, gauges, explanation, kept = _ask(view, policies, past)
    zero = at_zero(snapshot, load, past, doubts.complete)

    chain = Chain(wanted)
    decided = _decide(chain, snapshot, past, known_count=known_count, doubts=doubts, zero=zero)
    if not chain.stands("hold", ~chain.known):
        chain.hold(_held(snapshot, past, known_count, rules), _trouble(snapshot, past))
    chain.cap("growth", _growth_limit(snapshot, past), _MAX_UNKNOWN)
    chain.raise_to("brake", _brake_floor(recent, past, zero, rules), _DOWN_BRAKE)
    _bound(chain, snapshot.fleet.variants.maximum, zero.minimum)
    _obey(chain, snapshot, past)

    result = _plan(snapshot, chain, past, decided=decided, gauges=gauges, explanation=explanation, rules=rules)
    variants = snapshot.fleet.variants
    by_hand = variants.paused | variants.fixed.known
    return result, Memory(
        fleet=snapshot.fleet,
        time=max(snapshot.time, past.time),
        target=result.target,
        decided_at=Column.of(np.where(decided, snapshot.time, past.decided_at.value), decided | past.decided_at.known),
        known_count=known_count,
        short_since=short_since,
        recent=np.where(by_hand, result.target.value, brake.remember(recent, result.target)),
        idle_since=zero.idle_since,
        load=agreement.smooth(load, past.load, snapshot.time - past.time, rules.window_seconds),
        policies=kept,
    )


def _decide(
    chain: Chain, snapshot: Snapshot, past: Memory, *, known_count: Column, doubts: Doubt, zero: Zero
) -> BoolArray:
    """Zero only on proof, no fall on doubtful data. Returns what is decided on this cycle's data: shape (variants,)."""
    chain.withhold("start", gates.premature(snapshot, past), _COVERAGE)
    chain.replace("zero", zero.target, zero.reason)
    decided = chain.known.copy()
    least, why = gates.floor(snapshot, past, known_count, doubts)
    chain.raise_to("data", np.where(zero.target.known & (zero.reason != _CANNOT_WAKE), 0.0, least), why)
    chain.mark(np.where(zero.target.known, _NONE, doubts.blind[snapshot.fleet.variants.model]))
    return decided


def _plan(
    snapshot: Snapshot,
    chain: Chain,
    past: Memory,
    *,
    decided: BoolArray,
    gauges: Gauges,
    explanation: Explanation,
    rules: Rules,
) -> Plan:
    """What the chain came to, as it is published."""
    target = chain.steps[-1].replicas
    withdrawn = ~target.known & past.decided_at.known
    return Plan(
        time=snapshot.time,
        fleet=snapshot.fleet,
        target=target,
        current=snapshot.counts.current,
        expected=expected(target, snapshot.counts.current, rules.tolerance),
        reason=np.where(withdrawn, _WITHDRAWN, chain.reason),
        withdrawn=withdrawn,
        fresh=decided,
        gauges=gauges,
        inputs=snapshot.inputs,
        steps=tuple(chain.steps),
        explanation=explanation,
    )


def _ask(
    snapshot: Snapshot, policies: Mapping[str, Policy], past: Memory
) -> tuple[Step, Gauges, Explanation, Mapping[str, object]]:
    """Every model's own policy, merged into one step."""
    models, model = snapshot.fleet.models, snapshot.fleet.variants.model
    missing = sorted(set(models.policy) - set(policies))
    if missing:
        raise InvalidValue(f"no policy is called {missing[0]}")
    target, reason = Column.unknown(len(model)), np.full(len(model), _NONE)
    explanation = Explanation.nothing(len(model))
    answers: list[tuple[BoolArray, Proposal]] = []
    kept = dict(past.policies)
    for name in sorted(set(models.policy)):
        of_model = np.array([policy == name for policy in models.policy])
        chosen = of_model[model]
        proposal, kept[name] = policies[name].propose(snapshot, chosen, past.policies.get(name))
        answers.append((chosen, proposal))
        if chosen.all():  # one policy for all, as nearly everywhere: nothing to merge
            target, reason, explanation = proposal.target, proposal.reason, proposal.explanation or explanation
            break
        target = Column.of(
            np.where(chosen, proposal.target.value, target.value), np.where(chosen, proposal.target.known, target.known)
        )
        reason = np.where(chosen, proposal.reason, reason)
        if proposal.explanation is not None:
            explanation = explanation.where(chosen, proposal.explanation)
    return Step(name="policy", replicas=target, reason=reason), measure(snapshot, answers), explanation, kept


def _held(snapshot: Snapshot, past: Memory, known_count: Column, rules: Rules) -> Column:
    """The last decision made on good data, never below the last known count, for as long as the hold lasts."""
    return Column.of(
        gates.kept(snapshot, past, known_count),
        past.target.known & past.decided_at.known & (snapshot.time - past.decided_at.value <= rules.hold_seconds),
    )


def _trouble(snapshot: Snapshot, past: Memory) -> IntArray:
    """Why a variant could not be decided: its model's trouble, else what is not seen yet, else that it vanished."""
    trouble = snapshot.trouble[snapshot.fleet.variants.model]
    trouble = np.where((trouble == _NONE) & gates.premature(snapshot, past), _COVERAGE, trouble)
    unseen = np.where(past.decided_at.known, REASON_CODE[Reason.NO_SERIES], REASON_CODE[Reason.NO_DECISION_YET])
    return np.where(trouble != _NONE, trouble, unseen)


def _growth_limit(snapshot: Snapshot, past: Memory) -> FloatArray:
    """What one cycle may ask at most where nobody named a maximum: max(2 x current, 4), and never less than before."""
    maximum, current = snapshot.fleet.variants.maximum, snapshot.counts.current
    open_ended = ~maximum.known & current.known
    return np.where(open_ended, np.maximum(growth_limit(current), past.target.value), np.inf)


def _brake_floor(recent: FloatArray, past: Memory, zero: Zero, rules: Rules) -> FloatArray:
    """The brake's floor, which raises nothing; the last replica of a model that is proven idle may go."""
    last_may_go = zero.target.known & (zero.target.value == 0) & (recent.max(axis=0) <= 1.0)
    lowest = brake.lowest(recent, rules.max_down_ratio_per_minute)
    return np.where(last_may_go, 0.0, np.minimum(lowest, past.target.otherwise(np.inf)))


def _bound(chain: Chain, maximum: Column, minimum: FloatArray) -> None:
    """Within [min, max], and the word for a variant that wants more than it may have."""
    most = maximum.otherwise(np.inf)
    chain.cap("max", most, _MAX)
    chain.raise_to("min", minimum, _MIN)
    chain.reason = np.where((chain.reason == _NO_HEADROOM) & (chain.replicas >= most), _MAX, chain.reason)


def _obey(chain: Chain, snapshot: Snapshot, past: Memory) -> None:
    """The operator's word: a paused variant keeps its last target, or the first that is decided; a fixed one its number."""
    variants = snapshot.fleet.variants
    chain.replace("paused", past.target.where(variants.paused), np.where(variants.paused, _PAUSED, _NONE))
    chain.replace("fixed", variants.fixed, np.where(variants.fixed.known, _FIXED, _NONE))


_NONE = REASON_CODE[Reason.NONE]
_COVERAGE = REASON_CODE[Reason.COVERAGE]
_MAX = REASON_CODE[Reason.MAX]
_MIN = REASON_CODE[Reason.MIN]
_MAX_UNKNOWN = REASON_CODE[Reason.MAX_UNKNOWN]
_DOWN_BRAKE = REASON_CODE[Reason.DOWN_BRAKE]
_NO_HEADROOM = REASON_CODE[Reason.NO_HEADROOM]
_PAUSED = REASON_CODE[Reason.PAUSED]
_FIXED = REASON_CODE[Reason.FIXED]
_WITHDRAWN = REASON_CODE[Reason.WITHDRAWN]
_CANNOT_WAKE = REASON_CODE[Reason.CANNOT_WAKE]
