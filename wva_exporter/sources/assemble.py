"""Samples to a ``Snapshot``: the one function that gives live data, replays and the twin their meaning.

Pure. The ranks of a pod become one row (sums for load and memory, the worst for danger, a mean weighted by memory for use),
pods that exist without usable numbers become silent replicas, and every doubt is written down as a reason per model.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from wva_exporter.conventions import REPLICA_SIGNALS, Input, Signal
from wva_exporter.core.columns import BoolArray, Column, IntArray, first_of, flags, integers
from wva_exporter.core.declaration import Workload
from wva_exporter.core.fleet import Fleet
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.core.sightings import Pod
from wva_exporter.core.snapshot import LARGEST_READING, REASON_CODE, Counts, Inputs, Presence, Replicas, Snapshot
from wva_exporter.errors import Reason
from wva_exporter.sources.counts import count
from wva_exporter.sources.merge import Placed, Places, Rows, is_taken_as_told, merge, most
from wva_exporter.sources.presence import TOLD_BY, PodKey, Standing, evidence, standing
from wva_exporter.sources.router import offered, refused, router_queue
from wva_exporter.sources.samples import Labels, Observation

FULL_COVERAGE = 0.9
"""Windows filled less than this may hide load: no target falls on them."""

_ESSENTIAL = (Signal.KV_PEAK, Signal.WAITING_PEAK)
_NEEDED = (*_ESSENTIAL, Signal.AGE)
_ROW = {signal: row for row, signal in enumerate(REPLICA_SIGNALS)}
_LIVE, _SILENT = int(Presence.LIVE), int(Presence.SILENT)
_SAMPLED = {Input.KV: Signal.KV_PEAK, Input.QUEUE: Signal.WAITING_PEAK, Input.REQUESTS: Signal.REQUEST_RATE}
"""Inputs that are samples of engines, and so have an age, by the signal that may not lack."""

_INPUTS = tuple(Input)
_MEASURED = np.array([name in _SAMPLED for name in _INPUTS])
_GRAVEST_FIRST = tuple(
    REASON_CODE[reason]
    for reason in (
        Reason.SOURCE_DOWN,
        Reason.INPUT_MISSING,
        Reason.INPUT_STALE,
        Reason.INPUT_MISSING,
        Reason.REPLICA_UNKNOWN,
        Reason.NO_SERIES,
    )
)
_UNTROUBLED = REASON_CODE[Reason.NONE]
_MOST = np.array([most(signal) for signal in REPLICA_SIGNALS])

_BESIDE = (Signal.POWER,)
"""What another target than the engine tells of its pod: a job of its own is no sign of a second scrape."""

_OF_EXISTENCE = (Signal.AGE, Signal.UP, Signal.SEEN, Signal.WORKLOADS, Signal.OWNERS, Signal.PODS)


_Lists = tuple[Sequence[Labels] | None, ...]
"""The labels of several answers, None where there is none."""

_Told = tuple[Sequence[Labels], bytes] | None
"""An answer's labels and numbers."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Existing:
    """The seen pods that exist and are somebody's: their rows among the seen ones, and who they are; shape (replicas,)."""

    row: IntArray
    pod: tuple[str, ...]
    variant: IntArray
    model: IntArray
    answering: BoolArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Membership:
    """Whose the seen pods are: ``pods[i]`` belongs to variant ``variant_of[i]``, -1 to none; ``workloads`` per variant.

    ``inventory`` is the GPUs that there are, by accelerator type. ``part_of`` names the leader of each pod that serves as a
    part of a group, both by namespace and name: the group is one replica. ``estranged`` are variants some of whose pods serve
    another model than theirs: those pods exist, and are not counted.
    """

    fleet: Fleet
    pods: Sequence[Pod]
    variant_of: IntArray
    workloads: Sequence[Workload | None]
    inventory: Mapping[str, int] = field(default_factory=dict)
    part_of: Mapping[PodKey, PodKey] = field(default_factory=dict)
    estranged: Collection[int] = ()
    _places: dict[tuple[str, bool], Places] = field(default_factory=dict, init=False, repr=False)
    _existing: dict[str, tuple[_Lists, _Existing]] = field(default_factory=dict, init=False, repr=False)
    _counted: dict[_Existing, tuple[_Told, Counts]] = field(default_factory=dict, init=False, repr=False)

    def places(self, default_namespace: str, *, any_job: bool) -> Places:
        """The row in ``pods`` of each series, a group's part in the row of its leader; worked out once and kept."""
        key = (default_namespace, any_job)
        if key not in self._places:
            row = {(pod.namespace, pod.name): i for i, pod in enumerate(self.pods)}
            row |= {part: row[leader] for part, leader in self.part_of.items() if leader in row}
            job = {} if any_job else {(pod.namespace, pod.name): pod.job for pod in self.pods}
            self._places[key] = Places(row, job, default_namespace)
        return self._places[key]

    def existing(self, observation: Observation, default_namespace: str) -> _Existing:
        """Who is there; what was worked out last while the answers that tell it list the same series."""
        answers = [observation.answers.get(signal) for signal in TOLD_BY]
        lists = tuple([None if answer is None else answer.labels for answer in answers])
        known = self._existing.get(default_namespace)
        if known is None or known[0] != lists:
            known = self._existing[default_namespace] = (lists, _exist(observation, self, default_namespace))
        return known[1]

    def counts(self, observation: Observation, there: _Existing) -> Counts:
        """Replicas of each variant; what was counted last while the same is told, and the same pods are there."""
        answer = observation.answers.get(Signal.WORKLOADS)
        told = None if answer is None or answer.failure is not None else (answer.labels, answer.value.tobytes())
        known = self._counted.get(there)
        if known is None or known[0] != told:
            self._counted.clear()
            known = self._counted[there] = (told, count(observation, self.workloads, there.variant))
        return known[1]


def assemble(
    observation: Observation,
    members: Membership,
    *,
    default_namespace: str,
    max_input_age_seconds: float,
    service: Belief | None = None,
) -> Snapshot:
    """The snapshot of one cycle.

    Args:
        observation: the answers of a source.
        members: the fleet, and whose each seen pod is; pods of nobody are left out.
        default_namespace: the namespace of series that name none.
        max_input_age_seconds: a sample older than this says nothing about now.
        service: what is believed of the engines' service times, as the snapshot is to carry it.
    """
    fleet = members.fleet
    models = len(fleet.models)
    there = members.existing(observation, default_namespace)
    signals = _signals(observation, members, default_namespace)
    if len(there.row) < len(members.pods):
        signals = Column(value=signals.value[:, there.row], known=signals.known[:, there.row])
    fresh = there.answering & ~_stale(signals, max_input_age_seconds)
    live = fresh & _essential(signals)
    presence = integers(np.where(live, _LIVE, _SILENT))
    replicas = Replicas(pod=there.pod, variant=there.variant, presence=presence, signals=signals)
    counts = members.counts(observation, there)
    states = (live, there.answering & ~fresh, fresh & ~live, ~there.answering)
    serving, stale, lacking, silent = _by_model(states, there.model, models)
    return Snapshot(
        time=observation.time,
        fleet=fleet,
        replicas=replicas,
        counts=counts,
        inputs=_inputs(fleet, replicas, counts, there.model, serving),
        trouble=_trouble(observation, members, serving=serving, stale=stale, lacking=lacking, silent=silent),
        covered=_covered(replicas, there.model, serving),
        router_queue=router_queue(observation, fleet),
        offered=offered(observation, fleet),
        refused=refused(observation, fleet),
        service=service,
        inventory=members.inventory,
        partial=_partial(observation),
    )


def _exist(observation: Observation, members: Membership, default_namespace: str) -> _Existing:
    """Who is there: pods of nobody and those that are gone are not."""
    stands = integers(_of_groups(members, standing(members.pods, evidence(observation, default_namespace))))
    row = np.flatnonzero((members.variant_of >= 0) & (stands != Standing.GONE))
    variant = integers(members.variant_of[row])
    return _Existing(
        row=integers(row),
        pod=tuple(members.pods[place].name for place in row.tolist()),
        variant=variant,
        model=integers(members.fleet.variants.model[variant]),
        answering=flags(stands[row] == Standing.ANSWERS),
    )


def _of_groups(members: Membership, stands: Sequence[Standing]) -> list[Standing]:
    """A group of pods stands as its leader does, but is silent where a part of it is: half of a load is no load."""
    found = list(stands)
    rows = {(pod.namespace, pod.name): row for row, pod in enumerate(members.pods)}
    for part, leader in members.part_of.items():
        if (part in rows and leader in rows) and stands[rows[part]] is Standing.SILENT:
            row = rows[leader]
            found[row] = max(found[row], Standing.SILENT)
    return found


def _signals(observation: Observation, members: Membership, default_namespace: str) -> Column:
    """Every signal of every pod, the parts of a group in the row of its leader: shape (signals, pods).

    What cannot have been measured counts as not reported: one engine that says nonsense must not end the cycle of a fleet.
    """
    places = members.places(default_namespace, any_job=False)
    anyone = members.places(default_namespace, any_job=True)
    answers, pods = observation.answers, len(members.pods)
    capacity = Rows.of(answers.get(Signal.KV_CAPACITY), places)
    table = np.full((len(REPLICA_SIGNALS), pods), np.nan)
    alike: dict[Placed, list[int]] = {}
    for row, signal in enumerate(REPLICA_SIGNALS):
        answer = answers.get(signal)
        if answer is None or answer.failure is not None or not len(answer):
            continue
        within = anyone if signal in _BESIDE else places
        placed = within.of(answer.labels)
        if is_taken_as_told(signal, placed):
            alike.setdefault(placed, []).append(row)
        else:
            table[row] = merge(signal, Rows.of(answer, within), capacity, pods)
    for placed, rows in alike.items():
        told = np.array([answers[REPLICA_SIGNALS[row]].value for row in rows])
        each = np.array(rows)[:, np.newaxis]
        table[each, placed.pod] = np.where(told <= _MOST[each], told, np.nan)
    return Column.of(table, (table >= 0.0) & (table <= LARGEST_READING))


def _stale(signals: Column, limit_seconds: float) -> BoolArray:
    row = _ROW[Signal.AGE]
    return np.asarray(~signals.known[row] | (signals.value[row] > limit_seconds))


def _essential(signals: Column) -> BoolArray:
    return np.asarray(np.logical_and.reduce([signals.known[_ROW[signal]] for signal in _ESSENTIAL]))


def _by_model(of_replicas: Sequence[BoolArray], model: IntArray, models: int) -> BoolArray:
    """Which models have a replica of which each of these is true: shape (conditions, models)."""
    found = np.zeros((len(of_replicas), models), dtype=np.bool_)
    condition, replica = np.array(of_replicas).nonzero()
    found[condition, model[replica]] = True
    return found


def _trouble(
    observation: Observation,
    members: Membership,
    *,
    serving: BoolArray,
    stale: BoolArray,
    lacking: BoolArray,
    silent: BoolArray,
) -> IntArray:
    """Why the inputs of each model are not whole, the gravest first; silence itself shows in the replicas.

    The flags tell which models have a replica that serves, whose numbers are stale or lack, or that is silent.
    """
    estranged = np.zeros(len(members.fleet.models), dtype=np.bool_)
    estranged[members.fleet.variants.model[list(members.estranged)]] = True
    unanswered = not observation.reachable
    failed = any(_failed(observation, signal) for signal in _NEEDED)
    return first_of(
        [unanswered, failed, stale, lacking, silent | estranged, ~serving],
        _GRAVEST_FIRST,
        _UNTROUBLED,
    )


def _failed(observation: Observation, signal: Signal) -> bool:
    answer = observation.answers.get(signal)
    return answer is not None and answer.failure is not None


def _partial(observation: Observation) -> bool:
    """Whether the source called an answer incomplete, or could not say what exists."""
    return any(answer.warnings for answer in observation.answers.values()) or any(
        _failed(observation, signal) for signal in _OF_EXISTENCE
    )


def _covered(replicas: Replicas, model: IntArray, serving: BoolArray) -> BoolArray:
    """Models whose every live replica has full windows; a model without any has none."""
    coverage = replicas[Signal.COVERAGE]
    thin = replicas.live & ~(coverage.known & (coverage.value >= FULL_COVERAGE))
    return np.asarray(serving & ~_by_model([thin], model, len(serving))[0])


def _inputs(fleet: Fleet, replicas: Replicas, counts: Counts, model: IntArray, serving: BoolArray) -> Inputs:
    """Age and absence of each required input per model: shape (models, inputs)."""
    models = len(fleet.models)
    ages = replicas[Signal.AGE]
    oldest = np.full(models, -np.inf)
    np.maximum.at(oldest, model[ages.known], ages.value[ages.known])
    sampled = _by_model([replicas.live & ~replicas[signal].known for signal in _SAMPLED.values()], model, models)
    variants = [~counts.current.known, ~fleet.variants.cost.known]
    missing = dict(zip(_SAMPLED, sampled | ~serving, strict=True))
    missing |= zip((Input.REPLICAS, Input.COST), _by_model(variants, fleet.variants.model, models), strict=True)
    table = np.array([missing[name] for name in _INPUTS]).T
    return Inputs(age_seconds=Column.of(oldest[:, np.newaxis], _MEASURED & ~table), missing=table)
