"""What a replica is to the queueing core: how long service takes, how large its requests are, how many it holds.

A ``System`` holds whole fleets: every field is an array of one shape, for instance (variants, accelerators), so that one call
analyses all of them. Times are seconds, rates are requests per second, lengths are tokens per request.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from wva_exporter.core.columns import BoolArray, FloatArray, IntArray, flags, floats, integers
from wva_exporter.errors import InvalidValue

DEFAULT_MAX_TOKENS = 8192
"""Tokens that one iteration of an engine computes at most, where nobody says otherwise."""

_LARGEST = {
    "alpha_seconds": 1e6,
    "beta_seconds": 1e6,
    "gamma_seconds": 1e6,
    "delta_seconds": 1e6,
    "in_tokens": 1e9,
    "out_tokens": 1e9,
    "max_batch": 1e5,
    "max_queue": 1e9,
    "max_tokens": 1e9,
    "hit_ratio": 1.0,
}
_SMALLEST = {"out_tokens": 1.0, "max_batch": 1.0, "max_tokens": 1.0}
"""Bounds of each field; 0 is the least where none is named. Beyond the largest, products lose their meaning in a double."""

_LEAST_SECONDS = 1e-12
"""Below this a parameter is nothing: rates would overflow."""


class ServiceModel(IntEnum):
    """Which law of service times: see ``service.py`` for the formulas."""

    PD = 0
    """Prefill and decode apart, four parameters."""
    ABG = 1
    """One iteration for both, three parameters: base, compute and memory access."""
    CHUNK = 2
    """The same with prompts cut into chunks by a token budget."""


_PD, _ABG, _CHUNK = (float(model) for model in ServiceModel)
"""Arrays are compared with plain numbers: with an enum numpy takes five times as long."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class System:
    """Replicas as queues: up to ``max_batch`` requests are served together, up to ``max_queue`` more wait, others are lost.

    ``alpha_seconds`` is an iteration's base, ``beta_seconds`` its cost per token computed (PD: per request in the batch),
    ``gamma_seconds`` per token read from the KV cache (PD: the base of a prefill), ``delta_seconds`` (PD only) a prefill's
    cost per token and request. ``hit_ratio`` is the share of prompt tokens found in the prefix cache. ``max_tokens``, per
    iteration, matters to CHUNK only. Where ``known`` is False the row holds placeholders and every answer about it is unknown.

    Build one with ``of`` (refuses nonsense) or ``where_possible`` (marks it unknown).
    """

    model: IntArray
    alpha_seconds: FloatArray
    beta_seconds: FloatArray
    gamma_seconds: FloatArray
    delta_seconds: FloatArray
    in_tokens: FloatArray
    out_tokens: FloatArray
    max_batch: IntArray
    max_queue: IntArray
    max_tokens: FloatArray
    hit_ratio: FloatArray
    known: BoolArray

    def __post_init__(self) -> None:
        shapes = {getattr(self, name).shape for name in _MAKE}
        if len(shapes) != 1:
            raise InvalidValue(f"the fields of a system have one shape, not {sorted(shapes)}")
        for name, make in _MAKE.items():
            object.__setattr__(self, name, make(getattr(self, name)))

    @classmethod
    def of(cls, model: ArrayLike, **values: ArrayLike) -> Self:
        """Arrays and numbers that broadcast against each other; ``delta_seconds`` and ``hit_ratio`` default to 0.

        Raises:
            InvalidValue: a number is not finite or out of its range, or nothing takes any time.
        """
        given, possible = _checked(model, values)
        if not possible.all():
            where = int(np.argmin(possible))
            broken = (name for name in _RULES if not np.broadcast_to(_kept(name, given), possible.shape).flat[where])
            raise InvalidValue(_RULES[next(broken)])
        return cls._from(given, possible)

    @classmethod
    def where_possible(cls, model: ArrayLike, known: ArrayLike = True, **values: ArrayLike) -> Self:  # noqa: FBT002 - an array
        """As ``of``, but what is impossible, or not ``known``, becomes an unknown row instead of an error."""
        given, possible = _checked(model, values)
        return cls._from(given, possible & np.broadcast_to(np.asarray(known, dtype=np.bool_), possible.shape))

    @classmethod
    def _from(cls, given: dict[str, FloatArray], known: BoolArray) -> Self:
        safe = {name: np.where(known, value, _PLACEHOLDER[name]) for name, value in given.items()}
        return cls(known=known, **safe)  # the constructor makes integers of what is whole

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of every field."""
        return self.model.shape

    @property
    def computed_tokens(self) -> FloatArray:
        """Prompt tokens that a prefill computes: those not in the prefix cache, and of a whole hit still one."""
        return np.maximum(self.in_tokens * (1.0 - self.hit_ratio), np.minimum(self.in_tokens, 1.0))

    def flat(self) -> System:
        """The same rows in one dimension."""
        return System(**{field.name: getattr(self, field.name).ravel() for field in fields(self)})

    def take(self, rows: IntArray | BoolArray) -> System:
        """Some rows of a flat system."""
        return System(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def stretched(self, shape: tuple[int, ...]) -> System:
        """The same rows, repeated to a larger shape."""
        try:
            return System(**{field.name: np.broadcast_to(getattr(self, field.name), shape) for field in fields(self)})
        except ValueError as error:
            raise InvalidValue(f"a system of shape {self.shape} does not stretch to {shape}") from error

    def with_batch(self, max_batch: ArrayLike) -> System:
        """The same system under another batch limit.

        Raises:
            InvalidValue: the limit is below 1 or absurdly large.
        """
        limit = np.broadcast_to(np.asarray(max_batch, dtype=np.int64), self.shape)
        if np.any(limit < 1) or np.any(limit > _LARGEST["max_batch"]):
            raise InvalidValue(f"max_batch lies within [1, {_LARGEST['max_batch']:g}]")
        values: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        return System(**values | {"max_batch": limit})

    def scaled(self, name: str, by: float | FloatArray) -> System:
        """The same system with one of its numbers multiplied, row by row; nothing is rounded or checked."""
        values: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        return System(**values | {name: values[name] * by})

    def capped_by_memory(self, kv_tokens: ArrayLike) -> System:
        """The batch limited to the requests whose KV cache fits, at least one.

        A request holds its own prompt tokens and, averaged over its life, half of its output: computed + out/2 tokens;
        shared prefixes are held once for all. Where ``kv_tokens`` is not a positive number nothing is known and nothing capped.
        """
        room = np.broadcast_to(np.asarray(kv_tokens, dtype=np.float64), self.shape)
        held = self.computed_tokens + self.out_tokens / 2.0
        given = np.isfinite(room) & (room > 0.0)
        fits = np.floor(np.where(given, room, np.inf) / held)
        return self.with_batch(np.clip(fits, 1, self.max_batch).astype(np.int64))


_MAKE = {field.name: floats for field in fields(System)} | {
    "model": integers,
    "max_batch": integers,
    "max_queue": integers,
    "known": flags,
}
"""How each field is stored."""

_RULES = {name: f"{name} lies within [{_SMALLEST.get(name, 0.0):g}, {top:g}]" for name, top in _LARGEST.items()} | {
    "model": "model is one of PD, ABG, CHUNK",
    "time": "some parameter must make service take time",
}
"""What to say of each rule where it is broken."""

_PLACEHOLDER = {
    "model": float(ServiceModel.PD),
    "alpha_seconds": 1.0,
    "beta_seconds": 1.0,
    "gamma_seconds": 1.0,
    "delta_seconds": 0.0,
    "in_tokens": 1.0,
    "out_tokens": 1.0,
    "max_batch": 1.0,
    "max_queue": 0.0,
    "max_tokens": float(DEFAULT_MAX_TOKENS),
    "hit_ratio": 0.0,
}
_DEFAULTS = {"delta_seconds": 0.0, "hit_ratio": 0.0, "max_tokens": float(DEFAULT_MAX_TOKENS)}


def _checked(model: ArrayLike, values: dict[str, ArrayLike]) -> tuple[dict[str, FloatArray], BoolArray]:
    """The fields as arrays that broadcast against each other, and which rows of the whole are possible."""
    every: dict[str, ArrayLike] = {"model": model, **_DEFAULTS, **values}
    if set(every) != set(_PLACEHOLDER):
        odd = sorted(set(every) ^ set(_PLACEHOLDER))
        raise InvalidValue(f"missing or unknown fields of a system: {', '.join(odd)}")
    try:
        given = {name: np.asarray(value, dtype=np.float64) for name, value in every.items()}
        possible = np.ones(np.broadcast(*given.values()).shape, dtype=np.bool_)
    except (ValueError, TypeError) as error:
        raise InvalidValue(f"the fields of a system do not go together: {error}") from error
    for name in _RULES:
        possible &= _kept(name, given)
    return given, possible


def _kept(name: str, given: dict[str, FloatArray]) -> BoolArray:
    """Where one rule of a system is kept; a comparison with NaN is false, so NaN breaks every rule."""
    if name == "model":
        model = given["model"]
        return np.asarray((model == _PD) | (model == _ABG) | (model == _CHUNK))
    if name == "time":
        decodes = (given["out_tokens"] > 1.0) | (given["in_tokens"] == 0.0)
        pd = ((given["alpha_seconds"] + given["beta_seconds"] >= _LEAST_SECONDS) & decodes) | (
            (given["gamma_seconds"] + given["delta_seconds"] >= _LEAST_SECONDS) & (given["in_tokens"] > 0.0)
        )
        other = given["alpha_seconds"] + given["beta_seconds"] + given["gamma_seconds"] >= _LEAST_SECONDS
        return np.where(given["model"] == _PD, pd, other)
    value = given[name]
    within = (value >= _SMALLEST.get(name, 0.0)) & (value <= _LARGEST[name])
    return np.asarray(within & (np.floor(value) == value) if name in {"max_batch", "max_queue"} else within)
