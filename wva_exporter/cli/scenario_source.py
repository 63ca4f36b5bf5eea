"""Where the requests of a scenario file come from: drawn by its laws, or a recorded trace in a folder of data."""

from __future__ import annotations

import math
import os
from pathlib import Path

from wva_exporter.config.scenario import At, ScenarioFile
from wva_exporter.config.scenario_workload import PUBLISHED_SIZES, Trace, Workload
from wva_exporter.config.scenario_workload import Sizes as SizesGiven
from wva_exporter.errors import ConfigError, InvalidValue
from wva_exporter.twin.scenario import Source
from wva_exporter.twin.traces.azure import read_azure
from wva_exporter.twin.traces.burstgpt import read_burstgpt
from wva_exporter.twin.traces.mooncake import read_mooncake
from wva_exporter.twin.traces.replay import Replay
from wva_exporter.twin.traces.servegen import ServeGen, read_mean_sizes, read_windows
from wva_exporter.twin.traces.servegen_sizes import read_seen_sizes
from wva_exporter.twin.workloads.lengths import BoundedNormal, Empirical, Fixed, LogNormal, Sizes
from wva_exporter.twin.workloads.rates import Rate
from wva_exporter.twin.workloads.synthetic import Synthetic

_TRACE = ("workload", "trace")
_MOST_REQUESTS = 10_000_000
"""More of them take days and tens of gigabytes."""

_MOST_PERIODS = 10_000
"""A swing is a few hundred straight lines, and all of them are held."""

_READERS = {"azure": read_azure, "burstgpt": read_burstgpt, "mooncake": read_mooncake}


def source_of(given: ScenarioFile, at: At, data: Path | None) -> Source:
    """The source of a scenario's requests.

    Raises:
        ConfigError: a trace without a folder of data, one that cannot be read, or one that is too short; more requests than
            anybody could play.
    """
    source = _source(given, at, data)
    expected = source.expected(given.warm_up.seconds if given.warm_up else 0.0)
    if expected > _MOST_REQUESTS:
        name = next(name for name in ("legs", "sine", "flash", "trace") if getattr(given.workload, name) is not None)
        much = f"{expected:.0f} requests are expected with those of the warm-up; must be at most {_MOST_REQUESTS}"
        raise ConfigError([f"{at(('workload', name))}: workload.{name}: {much}"])
    return source


def _source(given: ScenarioFile, at: At, data: Path | None) -> Synthetic | Replay | ServeGen:
    load = given.workload
    if load.trace is not None:
        try:
            return _recorded(given, load.trace, at, data)
        except InvalidValue as error:
            raise ConfigError([f"{at(_TRACE)}: workload.trace: {error}"]) from None
    assert load.prompt is not None  # the section says so
    assert load.output is not None
    if load.sine is not None and given.duration_seconds > _MOST_PERIODS * load.sine.period_seconds:
        key = ("workload", "sine", "period")
        raise ConfigError([f"{at(key)}: {'.'.join(key)}: must be at least a {_MOST_PERIODS}th of duration"])
    return Synthetic(
        rate=_rate(load, given.duration_seconds),
        duration_seconds=given.duration_seconds,
        prompt=_sizes(load.prompt),
        output=_sizes(load.output),
        gap_cv=load.gap_cv,
        patience_seconds=_patience(load),
        earlier_rps=given.warm_up.rps if given.warm_up else None,
    )


def _recorded(given: ScenarioFile, trace: Trace, at: At, data: Path | None) -> Replay | ServeGen:
    path = _path("path", trace.path, at, data)
    if trace.tokens is not None:
        read_sizes = read_seen_sizes if trace.tokens.endswith(PUBLISHED_SIZES) else read_mean_sizes
        return ServeGen(
            windows=read_windows(path),
            sizes=read_sizes(_path("tokens", trace.tokens, at, data)),
            duration_seconds=given.duration_seconds,
            scale=trace.scale,
            speed=trace.speed,
            start_seconds=trace.start_seconds or 0.0,
            sigma=trace.sigma,
            most_tokens=trace.most_tokens,
            patience_seconds=_patience(given.workload),
        )
    return Replay(
        recording=_READERS[trace.format](path),
        duration_seconds=given.duration_seconds,
        scale=trace.scale,
        speed=trace.speed,
        start_seconds=trace.start_seconds or 0.0,
        most_tokens=trace.most_tokens,
        patience_seconds=_patience(given.workload),
    )


def _patience(load: Workload) -> float:
    return math.inf if load.patience_seconds is None else load.patience_seconds


def _path(name: str, text: str, at: At, data: Path | None) -> Path:
    """Where the file of a key of the trace is; one that is there and has no end, such as a device, is refused."""
    path = Path(text)
    if not path.is_absolute() and data is None:
        raise ConfigError([f"{at(_TRACE)}: replays {text}: give the folder of trace data that it lies in, --data DIR"])
    path = path if data is None else data / path
    if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113 - those of Path raise errors
        raise ConfigError([f"{at((*_TRACE, name))}: workload.trace.{name}: {path}: must be a regular file"])
    return path


def _rate(given: Workload, seconds: float) -> Rate:
    if given.sine is not None:
        return Rate.sine(**given.sine.model_dump(), seconds=seconds)
    if given.flash is not None:
        return Rate.flash(**given.flash.model_dump())
    legs = [
        (leg.level_seconds or leg.ramp_seconds or 0.0, leg.rps, leg.ramp_seconds is not None)
        for leg in given.legs or ()
    ]
    return Rate.legs(legs)


def _sizes(given: SizesGiven) -> Sizes:
    if given.fixed is not None:
        return Fixed(tokens=given.fixed)
    if given.normal is not None:
        law = given.normal
        return BoundedNormal(mean_tokens=law.mean, deviation_tokens=law.deviation, least=law.least, most=law.most)
    if given.lognormal is not None:
        skew = given.lognormal
        return LogNormal(mean_tokens=skew.mean, sigma=skew.sigma, least=skew.least, most=skew.most)
    seen = given.empirical or ()
    return Empirical(tokens=tuple(one.tokens for one in seen), weights=tuple(one.weight for one in seen))
