"""From scenario files to scenarios: the shipped ones and files of one's own, hardware from the catalogue."""

from __future__ import annotations

import difflib
from functools import cache
from importlib.resources import files
from pathlib import Path

from wva_exporter.cli.scenario_source import source_of
from wva_exporter.config.catalogue import load_catalogue
from wva_exporter.config.findings import printable
from wva_exporter.config.scenario import BLOCK_TOKENS, At, ScenarioFile, Variant, parse_scenario, read_scenario
from wva_exporter.core.catalogue import Accelerator, Catalogue, LanguageModel
from wva_exporter.core.queueing.belief import Belief
from wva_exporter.errors import ConfigError, InvalidValue
from wva_exporter.twin.fleet import Role, VariantSpec
from wva_exporter.twin.parameters import EngineParameters
from wva_exporter.twin.router import RouterSettings
from wva_exporter.twin.scenario import Promise, Scenario, ScenarioVariant

_SUFFIX = ".yaml"
_MEMORY_RATIO = 0.9
"""Share of an accelerator's memory that engines take, vLLM's ``gpu_memory_utilization``."""

_BYTES_PER_PARAMETER = 2.0


def shipped() -> tuple[str, ...]:
    """The names of the scenarios that come with the program, in order."""
    names = (entry.name for entry in (files("wva_exporter") / "scenarios").iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)))


def shipped_file(name: str) -> ScenarioFile:
    """What a shipped scenario's file says; no trace data is needed for that."""
    text = (files("wva_exporter") / "scenarios" / f"{name}{_SUFFIX}").read_text(encoding="utf-8")
    return parse_scenario(text, f"{name}{_SUFFIX}")


def name_of(name: str) -> str:
    """How results call the scenario of this name or path."""
    return name if name in shipped() else Path(name).stem


def load_scenario(name: str, data: Path | None = None) -> Scenario:
    """A scenario by the name of a shipped one or the path of a file.

    Args:
        name: a name from ``shipped()``, else a path.
        data: the folder of trace data, for scenarios that replay a trace.

    Raises:
        ConfigError: no such scenario, a file that is refused, a trace that cannot be read; every finding is one line.
    """
    if name in shipped():
        return build(shipped_file(name), name, data)
    if "/" not in name and not name.endswith((_SUFFIX, ".yml")):
        close = difflib.get_close_matches(name, shipped(), n=1)
        advice = f"did you mean {close[0]}?" if close else f"there are {', '.join(shipped())}, and paths of .yaml files"
        raise ConfigError([f"{printable(name)}: no scenario is called so; {advice}"])
    given, at = read_scenario(Path(name))
    return build(given, name_of(name), data, at)


def build(given: ScenarioFile, name: str, data: Path | None = None, at: At | None = None) -> Scenario:
    """The scenario that a file describes.

    Args:
        given: what the file says.
        name: how results call it.
        data: the folder of trace data.
        at: where a key was written; without it messages begin with the name.

    Raises:
        ConfigError: the catalogue lacks what the file leaves out, a trace cannot be read, or no engine is like that.
    """
    at = at or (lambda _: name)
    return Scenario(
        name=name,
        title=given.title,
        summary=given.summary,
        model_name=given.model,
        promise=Promise(ttft_seconds=given.promise.ttft_seconds, itl_seconds=given.promise.itl_seconds),
        variants=_variants(given, at),
        duration_seconds=given.duration_seconds,
        workload=source_of(given, at, data),
        scrape_seconds=given.scrape_interval_seconds,
        cycle_seconds=given.interval_seconds,
        sync_seconds=given.sync_interval_seconds,
        grace_seconds=given.grace_seconds,
        router=RouterSettings(**given.router.model_dump()),
        warm_seconds=given.warm_up.seconds if given.warm_up else 0.0,
        kind=given.kind,
        feasible=given.feasible,
    )


@cache
def _catalogue() -> Catalogue:
    return load_catalogue()


def _variants(given: ScenarioFile, at: At) -> tuple[ScenarioVariant, ...]:
    """The variants; what is wrong with one is said with its name and, where that is known, its line."""
    made = []
    for place, variant in enumerate(given.variants):
        try:
            made.append(_variant(variant, given.model))
        except InvalidValue as error:
            raise ConfigError([f"{at(('variants', place))}: {variant.name}: {error}"]) from None
    return tuple(made)


def _variant(given: Variant, model: str) -> ScenarioVariant:
    """One variant.

    Raises:
        InvalidValue: the catalogue lacks what is left out, or no engine is like that.
    """
    card = _catalogue().accelerator(given.accelerator)
    price = card.price.per_hour * given.gpus if card and card.price else None
    cost = price if given.cost is None else given.cost
    if cost is None:
        raise InvalidValue(f"no price of {given.accelerator} is known: give cost")
    power = card.power if card else None
    return ScenarioVariant(
        spec=VariantSpec(
            name=given.name,
            accelerator=given.accelerator,
            parameters=_parameters(given, model),
            cost_per_hour=cost,
            replicas=given.min if given.replicas is None else given.replicas,
            startup_seconds=given.startup_seconds,
            startup_sigma=given.startup_sigma,
            role=Role(given.role),
            idle_watts=given.gpus * (power.idle_watts or 0.0) if power else 0.0,
            busy_watts=given.gpus * power.full_watts if power else 0.0,
        ),
        minimum=given.min,
        maximum=given.max,
        gpus=given.gpus,
        guess=_guess(given, model),
    )


def _guess(given: Variant, model: str) -> Belief | None:
    """What the catalogue says of the pair, for an engine that is what the catalogue says; of one made up nothing is known."""
    engine = given.engine
    if any(own is not None for own in (engine.alpha_ms, engine.beta_ms, engine.gamma_ms)):
        return None
    return _catalogue().guess([model], [given.accelerator], [given.gpus])


def _parameters(given: Variant, model: str) -> EngineParameters:
    """The engine's own numbers, and for those not given what was measured of the pair or follows from data sheets."""
    engine = given.engine
    card, size = _catalogue().accelerator(given.accelerator), _catalogue().model(model)
    tokens = engine.kv_tokens
    if tokens is None and card and size:
        tokens = _kv_tokens(card, size, given.gpus)
    named = (engine.alpha_ms, engine.beta_ms, engine.gamma_ms)
    if tokens is None or (None in named and not (card and size)):
        lacking = f"the catalogue does not know {model} on {given.gpus} x {given.accelerator}, or it does not fit"
        raise InvalidValue(f"{lacking}: give alpha_ms, beta_ms, gamma_ms and kv_tokens of engine")
    guessed = _catalogue().guess([model], [given.accelerator], [given.gpus]).mean_seconds[0].tolist()
    times = [guess if own is None else own / 1000 for own, guess in zip(named, guessed, strict=True)]
    return EngineParameters(
        alpha_seconds=times[0],
        beta_seconds_per_token=times[1],
        gamma_seconds_per_resident_token=times[2],
        kv_blocks=tokens // BLOCK_TOKENS + 1,  # the engine reserves one
        block_size_tokens=BLOCK_TOKENS,
        max_sequences=engine.max_sequences,
        max_batched_tokens=engine.max_batched_tokens,
        max_model_tokens=engine.max_model_tokens,
        max_waiting=engine.max_waiting,
        prefill_beta_seconds_per_token=None if engine.prefill_beta_ms is None else engine.prefill_beta_ms / 1000,
        ttft_overhead_seconds=engine.ttft_overhead_seconds or 0.0,
        handover_seconds=engine.handover_seconds or 0.0,
    )


def _kv_tokens(card: Accelerator, model: LanguageModel, gpus: int) -> int | None:
    """What the weights leave of the memory; None where that is less than a block."""
    weights = model.parameters_billion * 1e9 * _BYTES_PER_PARAMETER
    tokens = int((card.memory_gb * 1e9 * gpus * _MEMORY_RATIO - weights) / model.kv_bytes_per_token)
    return tokens if tokens >= BLOCK_TOKENS else None
