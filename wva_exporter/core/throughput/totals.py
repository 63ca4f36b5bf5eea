"""Supply and demand of each model, and of each role of a model that is split into roles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import BoolArray, Column, FloatArray, IntArray
from wva_exporter.core.fleet import Role
from wva_exporter.core.throughput.prompts import prompt_queue_demand
from wva_exporter.core.throughput.view import View

QUEUE_DRAIN = 2.0
"""Requests that wait in a router are to be through within this many times the service time of a full replica."""

ROLES = len(Role)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Capacity:
    """What totals are made of, per variant: shape (variants,), 0 where ``known`` is False.

    ``blind`` variants have replicas and a capacity that cannot be told. ``seen_demand`` is what their replicas show.
    """

    known: BoolArray
    blind: BoolArray
    replicas: FloatArray
    pending: FloatArray
    per_replica: FloatArray
    full_itl_seconds: FloatArray
    input_tokens: FloatArray
    output_tokens: FloatArray
    prompt_seconds: FloatArray
    seen_demand: Column


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Totals:
    """Tokens per second: of models, shape (models,), and of their roles, shape (models, roles).

    Output tokens, except of the role PREFILL, which counts input tokens when not ``exact``; it is then no part of its model's
    sums, because the two do not add. ``split`` says which models have roles at all.
    """

    supply: Column
    anticipated: Column
    demand: Column
    split: BoolArray
    role_supply: Column
    role_anticipated: Column
    role_demand: Column


def totals(view: View, capacity: Capacity, *, exact: bool) -> Totals:
    """Sums over variants; a model with a blind variant has no known supply unless ``exact``."""
    models = len(view.arrivals)
    cell = view.model * ROLES + view.role
    supply = np.where(capacity.known, capacity.replicas * capacity.per_replica, 0.0)
    anticipated = np.where(capacity.known, (capacity.replicas + capacity.pending) * capacity.per_replica, 0.0)
    in_role = _cells(capacity.known, cell, models) > 0
    told = in_role & ~(_cells(capacity.blind, cell, models) > 0)
    role_supply, role_anticipated = _cells(supply, cell, models), _cells(anticipated, cell, models)

    counts = np.ones((models, ROLES), dtype=np.bool_)
    counts[:, Role.PREFILL] = exact
    clear = np.ones(models, dtype=np.bool_) if exact else np.any(in_role & counts, axis=1) & ~_any_blind(view, capacity)
    demand = _exact_demand(view, capacity) if exact else _demand(view, capacity)
    shares = _even(in_role) if exact else _by_supply(in_role, role_supply, role_anticipated)
    role_demand = demand.value[:, np.newaxis] * shares
    role_known = np.repeat(demand.known[:, np.newaxis], ROLES, axis=1)
    if not exact:
        prompts = _prompt_demand(view, capacity)
        role_demand[:, Role.PREFILL], role_known[:, Role.PREFILL] = prompts.value, prompts.known
    return Totals(
        supply=Column.of(np.sum(role_supply * counts, axis=1), clear),
        anticipated=Column.of(np.sum(role_anticipated * counts, axis=1), clear),
        demand=demand,
        split=np.any(in_role[:, [Role.DECODE, Role.PREFILL]], axis=1),
        role_supply=Column.of(role_supply, in_role if exact else told),
        role_anticipated=Column.of(role_anticipated, in_role if exact else told),
        role_demand=Column.of(role_demand, role_known & in_role),
    )


def _any_blind(view: View, capacity: Capacity) -> BoolArray:
    """Models with a decoding variant whose capacity cannot be told."""
    return view.by_model((capacity.blind & (view.role != Role.PREFILL)).astype(np.float64)) > 0.0


def _exact_demand(view: View, capacity: Capacity) -> Column:
    """The original's: router arrivals x mean output + queue / (2 ITL); without a router 0, whatever the replicas do."""
    live = capacity.known & (view.role != Role.PREFILL) & (capacity.replicas > 0.0)
    length, step = _mean_output(view, capacity, live), _mean_step(view, capacity, live)
    queue = _queue(view, step)
    arriving = np.maximum(view.arrivals.value, 0.0) * length
    any_live = view.by_model(live.astype(np.float64)) > 0.0
    return Column.of(np.where(any_live, arriving + queue, 0.0), np.ones(len(length), dtype=np.bool_))


def _demand(view: View, capacity: Capacity) -> Column:
    """Router arrivals x mean output; where the router is silent, what the replicas show; and what waits in the router.

    Before any replica is there the remembered lengths count, so that a model at zero has a demand to wake for. Unknown where
    neither a router nor a replica says anything, or requests wait of which nobody knows how long they take.
    """
    decoding = capacity.known & (view.role != Role.PREFILL)
    live = decoding & (capacity.replicas > 0.0)
    any_live = view.by_model(live.astype(np.float64)) > 0.0
    asked = np.where(any_live[view.model], live, decoding)
    length, step = _mean_output(view, capacity, asked), _mean_step(view, capacity, asked)
    seen = view.by_model(np.where(decoding, capacity.seen_demand.value, 0.0))
    seen_known = view.by_model((decoding & capacity.seen_demand.known).astype(np.float64)) > 0.0
    speaks = view.arrivals.known & (view.arrivals.value > 0.0)
    tellable = speaks & (length > 0.0)
    arriving = np.where(tellable, view.arrivals.value * length, seen)
    known = tellable | seen_known | (view.arrivals.known & ~speaks)
    weighed = (step > 0.0) | (_waiting(view) <= 0.0)
    return Column.of(arriving + _queue(view, step), known & weighed)


def _prompt_demand(view: View, capacity: Capacity) -> Column:
    """Input tokens per second that the prefill role of each model is asked for."""
    mine = capacity.known & (view.role == Role.PREFILL)
    weight = np.where(mine, np.maximum(capacity.replicas, 1.0), 0.0)
    total = view.by_model(weight)
    length = _ratio(view.by_model(weight * capacity.input_tokens), total)
    seconds = _ratio(view.by_model(weight * capacity.prompt_seconds), total)
    seen = view.by_model(np.where(mine, capacity.seen_demand.value, 0.0))
    seen_known = view.by_model((mine & capacity.seen_demand.known).astype(np.float64)) > 0.0
    speaks = view.arrivals.known & (view.arrivals.value > 0.0)
    queue = prompt_queue_demand(_waiting(view), seconds, length, QUEUE_DRAIN)
    weighed = (seconds > 0.0) | (_waiting(view) <= 0.0)
    arriving = np.where(speaks, view.arrivals.value * length, seen)
    known = (speaks & (length > 0.0)) | seen_known | (view.arrivals.known & ~speaks)
    return Column.of(arriving + queue, known & weighed)


def _mean_output(view: View, capacity: Capacity, which: BoolArray) -> FloatArray:
    """Output tokens per request of each model, weighted by replicas; by variants where none has any."""
    weight = np.where(which, capacity.replicas, 0.0)
    weight = np.where((view.by_model(weight) > 0.0)[view.model], weight, which.astype(np.float64))
    return _ratio(view.by_model(weight * capacity.output_tokens), view.by_model(weight))


def _mean_step(view: View, capacity: Capacity, which: BoolArray) -> FloatArray:
    """ITL in seconds of full replicas, the mean over the variants of each model."""
    told = which & (capacity.full_itl_seconds > 0.0)
    return _ratio(view.by_model(np.where(told, capacity.full_itl_seconds, 0.0)), view.by_model(told.astype(np.float64)))


def _queue(view: View, step: FloatArray) -> FloatArray:
    """Tokens per second that clear the router's queue, a token a step each, within ``QUEUE_DRAIN`` times a request's time."""
    return _ratio(_waiting(view), QUEUE_DRAIN * step)


def _waiting(view: View) -> FloatArray:
    return np.where(view.router_queue.known, np.maximum(view.router_queue.value, 0.0), 0.0)


def _even(in_role: BoolArray) -> FloatArray:
    """The original's split: the same for each role present, prefill apart, whatever each can carry."""
    present = in_role.astype(np.float64)
    present[:, Role.PREFILL] = 0.0
    return _ratio(present, np.repeat(present.sum(axis=1, keepdims=True), ROLES, axis=1))


def _by_supply(in_role: BoolArray, supply: FloatArray, anticipated: FloatArray) -> FloatArray:
    """Each role's part of what the roles carry; of what they will carry where they carry nothing yet; else even parts."""
    shares = _even(in_role)
    for carried in (anticipated.copy(), supply.copy()):
        carried[:, Role.PREFILL] = 0.0
        whole = np.repeat(carried.sum(axis=1, keepdims=True), ROLES, axis=1)
        shares = np.where(whole > 0.0, _ratio(carried, whole), shares)
    return shares


def _cells(values: FloatArray | BoolArray, cell: IntArray, models: int) -> FloatArray:
    weights = values.astype(np.float64)
    summed: FloatArray = np.asarray(np.bincount(cell, weights=weights, minlength=models * ROLES), dtype=np.float64)
    return summed.reshape(models, ROLES)


def _ratio(over: FloatArray, under: FloatArray) -> FloatArray:
    return np.divide(over, under, out=np.zeros_like(over), where=under > 0.0)
