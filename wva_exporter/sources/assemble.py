"""Samples to a ``Snapshot``: the one function that gives live data, replays and the twin their meaning.

Pure. The ranks of a pod become one row (sums for load and memory, the worst for danger, a mean weighted by memory for use),
pods that exist without usable numbers become silent replicas, and every doubt is written down as a reason per model.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from wva_exporter.conventions import REPLICA_SIGNALS, Input, Signal
from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray, first_of, integers
from wva_exporter.core.declaration import Workload
from wva_exporter.core.fleet import Fleet
from wva_exporter.core.sightings import Pod
from wva_exporter.core.snapshot import LARGEST_READING, REASON_CODE, Counts, Inputs, Presence, Replicas, Snapshot
from wva_exporter.errors import Reason
from wva_exporter.sources.counts import count
from wva_exporter.sources.merge import Places, Rows, merge
from wva_exporter.sources.presence import PodKey, Standing, evidence, standing
from wva_exporter.sources.router import offered, refused, router_queue
from wva_exporter.sources.samples import Observation

FULL_COVERAGE = 0.9
"""Windows filled less than this may hide load: no target falls on them."""

_ESSENTIAL = (Signal.KV_PEAK, Signal.WAITING_PEAK)
_MEASURED = np.array([name in (Input.KV, Input.QUEUE, Input.REQUESTS) for name in Input])
"""Which inputs are samples of engines, and so have an age."""

_BESIDE = (Signal.POWER,)
"""What another target than the engine tells of its pod: a job of its own is no sign of a second scrape."""

_OF_EXISTENCE = (Signal.AGE, Signal.UP, Signal.SEEN, Signal.WORKLOADS, Signal.OWNERS, Signal.PODS)


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

    def places(self, default_namespace: str, *, any_job: bool) -> Places:
        """The row in ``pods`` of each series, a group's part in the row of its leader; worked out once and kept."""
        key = (default_namespace, any_job)
        if key not in self._places:
            row = {(pod.namespace, pod.name): i for i, pod in enumerate(self.pods)}
            row |= {part: row[leader] for part, leader in self.part_of.items() if leader in row}
            job = {} if any_job else {(pod.namespace, pod.name): pod.job for pod in self.pods}
            self._places[key] = Places(row, job, default_namespace)
        return self._places[key]


def assemble(
    observation: Observation, members: Membership, *, default_namespace: str, max_input_age_seconds: float
) -> Snapshot:
    """The snapshot of one cycle.

    Args:
        observation: the answers of a source.
        members: the fleet, and whose each seen pod is; pods of nobody are left out.
        default_namespace: the namespace of series that name none.
        max_input_age_seconds: a sample older than this says nothing about now.
    """
    fleet = members.fleet
    stands = _of_groups(members, standing(members.pods, evidence(observation, default_namespace)))
    standings = integers(stands)
    kept = np.flatnonzero((members.variant_of >= 0) & (standings != Standing.GONE))
    variant = integers(members.variant_of[kept])
    answering = standings[kept] == Standing.ANSWERS

    every = _signals(observation, members, default_namespace)
    signals = Column(value=every.value[:, kept], known=every.known[:, kept])
    stale = answering & _stale(signals, max_input_age_seconds)
    lacking = answering & ~stale & ~_essential(signals)
    live = answering & ~stale & ~lacking
    presence = integers(np.where(live, Presence.LIVE, Presence.SILENT))
    names = tuple(members.pods[row].name for row in kept.tolist())
    replicas = Replicas(pod=names, variant=variant, presence=presence, signals=signals)
    counts = count(observation, members.workloads, variant)
    model = fleet.variants.model[variant]
    return Snapshot(
        time=observation.time,
        fleet=fleet,
        replicas=replicas,
        counts=counts,
        inputs=_inputs(fleet, replicas, counts, model),
        trouble=_trouble(observation, members, model, live=live, stale=stale, lacking=lacking),
        covered=_covered(replicas, model, len(fleet.models)),
        router_queue=router_queue(observation, fleet),
        offered=offered(observation, fleet),
        refused=refused(observation, fleet),
        inventory=members.inventory,
        partial=_partial(observation),
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
    capacity = Rows.of(observation.answers.get(Signal.KV_CAPACITY), places)
    table = np.empty((len(REPLICA_SIGNALS), len(members.pods)))
    for row, signal in zip(table, REPLICA_SIGNALS, strict=True):
        rows = Rows.of(observation.answers.get(signal), anyone if signal in _BESIDE else places)
        row[:] = merge(signal, rows, capacity, len(members.pods))
    return Column.of(table, (table >= 0.0) & (table <= LARGEST_READING))


def _column(signals: Column, signal: Signal) -> tuple[FloatArray, BoolArray]:
    row = REPLICA_SIGNALS.index(signal)
    return signals.value[row], signals.known[row]


def _stale(signals: Column, limit_seconds: float) -> BoolArray:
    age, known = _column(signals, Signal.AGE)
    return np.asarray(~known | (age > limit_seconds))


def _essential(signals: Column) -> BoolArray:
    return np.asarray(np.all([_column(signals, signal)[1] for signal in _ESSENTIAL], axis=0))


def _trouble(
    observation: Observation,
    members: Membership,
    model: IntArray,
    *,
    live: BoolArray,
    stale: BoolArray,
    lacking: BoolArray,
) -> IntArray:
    """Why the inputs of each model are not whole, the gravest first; silence itself shows in the replicas."""
    models = len(members.fleet.models)
    estranged = np.zeros(models, dtype=np.bool_)
    estranged[members.fleet.variants.model[list(members.estranged)]] = True

    def any_of(flag: BoolArray) -> BoolArray:
        return np.asarray(np.bincount(model[flag], minlength=models) > 0)

    unanswered = not observation.reachable
    failed = any(_failed(observation, signal) for signal in (*_ESSENTIAL, Signal.AGE))
    return first_of(
        [
            unanswered,
            failed,
            any_of(stale),
            any_of(lacking),
            any_of(~live & ~stale & ~lacking) | estranged,
            ~any_of(live),
        ],
        [
            REASON_CODE[reason]
            for reason in (
                Reason.SOURCE_DOWN,
                Reason.INPUT_MISSING,
                Reason.INPUT_STALE,
                Reason.INPUT_MISSING,
                Reason.REPLICA_UNKNOWN,
                Reason.NO_SERIES,
            )
        ],
        REASON_CODE[Reason.NONE],
    )


def _failed(observation: Observation, signal: Signal) -> bool:
    answer = observation.answers.get(signal)
    return answer is not None and answer.failure is not None


def _partial(observation: Observation) -> bool:
    """Whether the source called an answer incomplete, or could not say what exists."""
    return any(answer.warnings for answer in observation.answers.values()) or any(
        _failed(observation, signal) for signal in _OF_EXISTENCE
    )


def _covered(replicas: Replicas, model: IntArray, models: int) -> BoolArray:
    """Models whose every live replica has full windows; a model without any has none."""
    coverage = replicas[Signal.COVERAGE]
    live = replicas.live
    thin = live & ~(coverage.known & (coverage.value >= FULL_COVERAGE))
    return np.asarray(
        (np.bincount(model[live], minlength=models) > 0) & (np.bincount(model[thin], minlength=models) == 0)
    )


def _inputs(fleet: Fleet, replicas: Replicas, counts: Counts, model: IntArray) -> Inputs:
    """Age and absence of each required input per model: shape (models, inputs)."""
    models = len(fleet.models)
    live = replicas.live
    present = np.bincount(model[live], minlength=models) > 0
    ages = replicas[Signal.AGE]
    oldest = np.full(models, -np.inf)
    np.maximum.at(oldest, model[ages.known], ages.value[ages.known])

    def lacks(signal: Signal) -> BoolArray:
        unknown = live & ~replicas[signal].known
        return np.asarray(~present | (np.bincount(model[unknown], minlength=models) > 0))

    def any_variant(flag: BoolArray) -> BoolArray:
        return np.asarray(np.bincount(fleet.variants.model[flag], minlength=models) > 0)

    missing = {
        Input.KV: lacks(Signal.KV_PEAK),
        Input.QUEUE: lacks(Signal.WAITING_PEAK),
        Input.REPLICAS: any_variant(~counts.current.known),
        Input.REQUESTS: lacks(Signal.REQUEST_RATE),
        Input.COST: any_variant(~fleet.variants.cost.known),
    }
    table = np.array([missing[name] for name in Input]).T
    age = np.broadcast_to(oldest[:, np.newaxis], table.shape)
    return Inputs(age_seconds=Column.of(age, _MEASURED & ~table), missing=table)
