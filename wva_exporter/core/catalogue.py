"""What is assumed of hardware and models before anything was measured, and the wide guess of service parameters that follows.

An iteration reads all weights, computes two operations a parameter and token, and reads the keys and values of resident tokens:

    alpha = weight bytes / (bandwidth x 0.72)      per GPU, weights split over the GPUs of a replica
    beta  = 2 x active parameters / (BF16 rate x 0.6)
    gamma = KV bytes a token / (bandwidth x 0.8)

The efficiencies are those of the one measured pair in the catalogue (Llama-3.1-8B on an H100, profiles/models.yaml); the
spreads say how little a data sheet knows of an engine.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wva_exporter.core.columns import FloatArray
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.errors import InvalidValue

MEASURED_SPREAD = (0.25, 0.4, 0.5)
"""Of a measured pair: engine versions, arguments and clocks differ (standard deviations of logarithms)."""

SHEET_SPREAD = (0.5, 0.8, 0.9)
"""Of a roofline."""

_NAME_SPREAD = 0.6
"""More, where the model's size was read from its name."""

_READ, _COMPUTE, _CACHE = 0.72, 0.6, 0.8
_BYTES_PER_PARAMETER = 2.0
_SIZE = re.compile(r"(?<![a-z0-9.])(\d+(?:\.\d+)?)\s*b(?![a-z0-9])", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerCurve:
    """Watts of one card, idle, at a share of its use and at full: straight lines between them; None where nobody knows."""

    idle_watts: float | None
    mid_watts: float | None
    full_watts: float
    mid_utilization_ratio: float = 0.6

    def watts(self, utilization_ratio: FloatArray) -> FloatArray:
        """The draw at a use within [0, 1]; without an idle figure the full one."""
        idle = self.full_watts if self.idle_watts is None else self.idle_watts
        straight = idle + (self.full_watts - idle) * self.mid_utilization_ratio
        mid = straight if self.mid_watts is None else self.mid_watts
        at = (0.0, self.mid_utilization_ratio, 1.0)
        return np.interp(utilization_ratio, at, (idle, mid, self.full_watts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A list price of one card, with its date: an assumption until the operator says what it costs."""

    per_hour: float
    currency: str
    as_of: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accelerator:
    """One kind of card, by the short name that discovery gives it."""

    name: str
    aliases: tuple[str, ...]
    memory_gb: float
    bandwidth_gb_per_second: float
    bf16_tflops: float
    power: PowerCurve | None
    price: Price | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageModel:
    """A model's size. ``active_billion`` are the parameters that one token meets, fewer than all in a mixture of experts."""

    name: str
    aliases: tuple[str, ...]
    parameters_billion: float
    active_billion: float
    kv_bytes_per_token: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Measured service parameters of a model on ``gpus`` cards of a kind, in milliseconds, and how surely (log deviations)."""

    model: str
    accelerator: str
    gpus: int
    alpha_ms: float
    beta_ms: float
    gamma_ms: float
    spread: tuple[float, float, float]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Entries by name, the later of two of the same name winning; names match whatever their case, with or without owner."""

    accelerators: tuple[Accelerator, ...]
    models: tuple[LanguageModel, ...]
    profiles: tuple[Profile, ...]

    def accelerator(self, name: str) -> Accelerator | None:
        """The card of this name or alias, in the words of the last entry of its name."""
        found = next((a for a in reversed(self.accelerators) if _same(name, (a.name, *a.aliases))), None)
        return found and next(a for a in reversed(self.accelerators) if _same(found.name, (a.name,)))

    def model(self, name: str) -> LanguageModel | None:
        """The model of this name or alias, in the words of the last entry of its name."""
        found = next((m for m in reversed(self.models) if _same(name, (m.name, *m.aliases))), None)
        return found and next(m for m in reversed(self.models) if _same(found.name, (m.name,)))

    def profile(self, model: str, accelerator: str, gpus: int) -> Profile | None:
        """What was measured of this pair."""
        found, card = self.model(model), self.accelerator(accelerator)
        models = (model,) if found is None else (model, found.name, *found.aliases)
        cards = (accelerator,) if card is None else (accelerator, card.name, *card.aliases)
        for profile in reversed(self.profiles):
            if _same(profile.model, models) and _same(profile.accelerator, cards) and profile.gpus == gpus:
                return profile
        return None

    def laid_over(self, over: Catalogue) -> Catalogue:
        """These entries, those of the other winning."""
        return Catalogue(
            accelerators=(*self.accelerators, *over.accelerators),
            models=(*self.models, *over.models),
            profiles=(*self.profiles, *over.profiles),
        )

    def guess(self, models: Sequence[str], accelerators: Sequence[str], gpus: Sequence[int]) -> Belief:
        """What to believe of each variant before its first point: measured, else from data sheets, else anything.

        Raises:
            InvalidValue: the columns differ in length.
        """
        if not len(models) == len(accelerators) == len(gpus):
            raise InvalidValue(f"{len(models)} models, {len(accelerators)} accelerators, {len(gpus)} numbers of GPUs")
        rows = zip(models, accelerators, gpus, strict=True)
        known: dict[tuple[str, str, int], tuple[FloatArray, FloatArray]] = {}
        mean, spread = np.zeros((len(models), 3)), np.zeros((len(models), 3))
        for row, key in enumerate(rows):
            if key not in known:
                known[key] = self._one(*key)
            mean[row], spread[row] = known[key]
        return Belief.of(mean, mean * spread).otherwise(Belief.anything(len(models)))

    def _one(self, model: str, accelerator: str, gpus: int) -> tuple[FloatArray, FloatArray]:
        profile = self.profile(model, accelerator, max(gpus, 1))
        if profile is not None:
            mean = np.array([profile.alpha_ms, profile.beta_ms, profile.gamma_ms]) / 1000.0
            return mean, np.array(profile.spread)
        card, size, extra = self.accelerator(accelerator), self.model(model), 0.0
        if size is None:
            size, extra = _from_name(model), _NAME_SPREAD
        if card is None or size is None:
            return np.zeros(3), np.zeros(3)
        return roofline(card, size, max(gpus, 1)), np.array(SHEET_SPREAD) + extra


def roofline(card: Accelerator, model: LanguageModel, gpus: int) -> FloatArray:
    """alpha, beta, gamma in seconds from data sheets alone: see the formulas on top."""
    bandwidth = card.bandwidth_gb_per_second * 1e9 * gpus
    rate = card.bf16_tflops * 1e12 * gpus
    alpha = _BYTES_PER_PARAMETER * model.parameters_billion * 1e9 / (bandwidth * _READ)
    beta = 2.0 * model.active_billion * 1e9 / (rate * _COMPUTE)
    gamma = model.kv_bytes_per_token / (bandwidth * _CACHE)
    return np.array([alpha, beta, gamma])


def _from_name(name: str) -> LanguageModel | None:
    """A model of the size that its name tells, as in ``acme/brain-13b``; KV of a usual shape for that size."""
    sizes = [float(match) for match in _SIZE.findall(name.replace("_", "-"))]
    if not sizes or not 0.0 < max(sizes) < 10_000.0:  # noqa: PLR2004 - no model is larger
        return None
    billions = max(sizes)
    return LanguageModel(
        name=name,
        aliases=(),
        parameters_billion=billions,
        active_billion=billions,
        kv_bytes_per_token=131072.0 * (billions / 8.0) ** 0.4,
    )


def _same(name: str, names: Sequence[str]) -> bool:
    return any(_plain(name) == _plain(other) for other in names)


def _plain(name: str) -> str:
    """A name without its owner, in lower case."""
    return name.rsplit("/", 1)[-1].lower()
