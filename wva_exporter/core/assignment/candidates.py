"""What each server would need on each accelerator: as many replicas as carry its load within its targets.

The sizing of Inferno, for all pairs at once. With N requests in a batch, 10 N waiting, and lambda* the largest rate that meets
the targets, a server of load lambda needs ceil(lambda / X(lambda*)) replicas, X being what is served; what they do to TTFT and
ITL follows from lambda spread evenly over them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.assignment.problem import NOTHING, Candidates, Problem
from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray
from wva_exporter.core.queueing.sizing import Targets, at_replicas, replicas_for, size
from wva_exporter.core.queueing.system import ServiceModel, System

SWITCH_RATIO = 0.1
"""What moving to another accelerator costs, as a share of both allocations' cost."""

QUEUE_PER_BATCH = 10
LEAST_PRIORITY = 100

MOST_REPLICAS = 1_000_000
"""A load that would need more is no load but a mistake: it has no candidate."""

ELSEWHERE = -2
"""The current accelerator of a server that runs on one that is not listed."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Servers:
    """Variants that want replicas: shape (servers,).

    ``arrivals`` are requests per second, lengths tokens per request, targets as in ``core.queueing.sizing`` with one row a
    server; ``sized`` is False where there are no targets for the model at all. ``batch`` overrides the batch of the profile
    where positive. ``current`` is the accelerator that runs now, ``NOTHING`` or ``ELSEWHERE``; ``pinned`` servers stay on it.
    """

    arrivals: Column
    in_tokens: Column
    out_tokens: Column
    targets: Targets
    sized: BoolArray
    priority: IntArray
    minimum: IntArray
    batch: IntArray
    current: IntArray
    current_replicas: IntArray
    current_cost: FloatArray
    pinned: BoolArray

    def __len__(self) -> int:
        return len(self.minimum)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Accelerators:
    """Kinds of hardware, shape (accelerators,): their pool, units of it that one takes, cost per hour of one; and the pools.

    ``capacity`` is units of each pool, None without limits.
    """

    pool: IntArray
    multiplicity: IntArray
    cost: FloatArray
    capacity: IntArray | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profiles:
    """How a server's model runs on an accelerator: shape (servers, accelerators), where ``known``.

    ``per_replica`` is accelerators a replica (0 and less count as 1), ``max_batch`` requests at ``at_tokens`` output tokens
    each; parameters are those of ``core.queueing.system``, in seconds.
    """

    known: BoolArray
    model: IntArray
    alpha_seconds: FloatArray
    beta_seconds: FloatArray
    gamma_seconds: FloatArray
    delta_seconds: FloatArray
    per_replica: IntArray
    max_batch: IntArray
    at_tokens: IntArray


def priorities(given: IntArray) -> IntArray:
    """1 is the highest; whatever lies outside 1 to 100 is 100."""
    return np.where((given >= 1) & (given <= LEAST_PRIORITY), given, LEAST_PRIORITY)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Allocation:
    """Where servers run, or would: accelerator, replicas, cost per hour of all of them; shapes broadcast."""

    accelerator: IntArray
    replicas: IntArray
    cost: FloatArray


def transition_penalty(current: Allocation, new: Allocation) -> FloatArray:
    """The value of going from one allocation to another: the difference in cost, and a tenth of both to change hardware."""
    same = current.accelerator == new.accelerator
    moved = np.where(same & (current.replicas == new.replicas), 0.0, new.cost - current.cost)
    return np.where(same, moved, SWITCH_RATIO * (current.cost + new.cost) + moved)


def zero_load(system: System) -> tuple[FloatArray, FloatArray, FloatArray]:
    """ITL and TTFT in seconds of a lone request, and requests per second a full batch, as Inferno takes them without any load.

    ITL = alpha + beta; TTFT = gamma + delta for PD, else ITL; a full batch of N serves N / (TTFT + alpha + beta N).
    """
    itl = system.alpha_seconds + system.beta_seconds
    ttft = np.where(system.model == ServiceModel.PD, system.gamma_seconds + system.delta_seconds, itl)
    full = ttft + system.alpha_seconds + system.beta_seconds * system.max_batch
    return itl, ttft, np.divide(system.max_batch, full, out=np.zeros_like(full), where=full > 0.0)


def candidates(servers: Servers, accelerators: Accelerators, profiles: Profiles) -> Candidates:
    """Every pair's needs; a pair is possible where everything about it is known and some rate meets the targets."""
    arrivals, tokens = servers.arrivals.value, servers.out_tokens.value
    considered = _considered(servers, profiles)
    quiet = ((arrivals == 0.0) | (tokens == 0.0))[:, np.newaxis]

    batch = _batch(servers, profiles, quiet=quiet)
    system = _system(servers, profiles, batch, considered)
    targets = Targets(**{name: _upright(getattr(servers.targets, name)) for name in _TARGETS})
    total = np.where(
        servers.targets.tokens_per_second.known,
        servers.targets.tokens_per_second.value / np.where(tokens > 0.0, tokens, 1.0),
        arrivals,
    )[:, np.newaxis]
    capacity = size(system, targets).capacity
    needed = replicas_for(total, capacity, servers.minimum[:, np.newaxis])
    busy = considered & ~quiet & needed.known & (needed.value <= MOST_REPLICAS)
    expected = at_replicas(system, total, np.where(busy, np.maximum(needed.value, 1.0), 1.0))

    lone_itl, lone_ttft, lone_rate = zero_load(system)
    resting = considered & quiet & system.known
    idle = resting & (servers.minimum <= 0)[:, np.newaxis]
    minimum = np.maximum(servers.minimum, 0)[:, np.newaxis]
    replicas = np.where(busy, needed.value, np.where(resting, minimum, 0)).astype(np.int64)
    cost = accelerators.cost * np.maximum(profiles.per_replica, 1) * replicas
    shown = resting & ~idle
    return Candidates(
        possible=busy | resting,
        idle=idle,
        replicas=replicas,
        max_batch=np.where(busy | shown, system.max_batch, 0),
        cost=cost,
        value=_value(servers, idle, replicas, cost),
        rate=np.where(busy, capacity.value, np.where(shown, lone_rate, 0.0)),
        itl_seconds=np.where(busy, expected.itl_seconds, np.where(shown, lone_itl, 0.0)),
        ttft_seconds=np.where(busy, expected.ttft_seconds, np.where(shown, lone_ttft, 0.0)),
        utilization=np.where(busy, expected.utilization_ratio, 0.0),
    )


def problem(servers: Servers, accelerators: Accelerators, found: Candidates, profiles: Profiles) -> Problem:
    """The candidates with what limits them; one replica takes accelerators x multiplicity units of its pool."""
    return Problem(
        candidates=found,
        priority=priorities(servers.priority),
        demand=servers.arrivals.value,
        units=np.maximum(profiles.per_replica, 1) * accelerators.multiplicity[np.newaxis, :],
        pool=accelerators.pool,
        capacity=accelerators.capacity,
    )


_TARGETS = ("ttft_seconds", "itl_seconds", "tokens_per_second", "percentile")


def _considered(servers: Servers, profiles: Profiles) -> BoolArray:
    """Pairs that are told of: load, targets and profile, on the accelerator where a pinned server runs."""
    load = (servers.arrivals, servers.in_tokens, servers.out_tokens)
    told = np.all([each.known & (each.value >= 0.0) for each in load], axis=0)
    here = np.arange(profiles.known.shape[1])[np.newaxis, :] == servers.current[:, np.newaxis]
    allowed = here | ~(servers.pinned & (servers.current != NOTHING))[:, np.newaxis]
    return np.asarray(profiles.known & (told & servers.sized)[:, np.newaxis] & allowed)


def _batch(servers: Servers, profiles: Profiles, *, quiet: BoolArray) -> IntArray:
    """The override, else the profile's batch scaled to the length of today's answers, at least 1; unscaled without any."""
    override = servers.batch[:, np.newaxis]
    tokens = np.clip(np.trunc(servers.out_tokens.value), 1.0, 1e9).astype(np.int64)[:, np.newaxis]
    scaled = np.where(quiet, profiles.max_batch, np.maximum(profiles.max_batch * profiles.at_tokens // tokens, 1))
    return np.maximum(np.where(override > 0, override, scaled), 1)


def _system(servers: Servers, profiles: Profiles, batch: IntArray, considered: BoolArray) -> System:
    return System.where_possible(
        profiles.model,
        considered,
        alpha_seconds=profiles.alpha_seconds,
        beta_seconds=profiles.beta_seconds,
        gamma_seconds=profiles.gamma_seconds,
        delta_seconds=profiles.delta_seconds,
        in_tokens=servers.in_tokens.value[:, np.newaxis],
        out_tokens=np.maximum(servers.out_tokens.value, 1.0)[:, np.newaxis],
        max_batch=batch,
        max_queue=QUEUE_PER_BATCH * batch,
    )


def _upright(column: Column) -> Column:
    """One number a server, to go with every accelerator; a single number goes with every server too."""
    if column.value.ndim == 0:
        return column
    return Column(value=column.value[:, np.newaxis], known=column.known[:, np.newaxis])


def _value(servers: Servers, idle: BoolArray, replicas: IntArray, cost: FloatArray) -> FloatArray:
    current = Allocation(
        accelerator=servers.current[:, np.newaxis],
        replicas=servers.current_replicas[:, np.newaxis],
        cost=servers.current_cost[:, np.newaxis],
    )
    accelerator = np.where(idle, NOTHING, np.arange(idle.shape[1])[np.newaxis, :])
    return transition_penalty(current, Allocation(accelerator=accelerator, replicas=replicas, cost=cost))
