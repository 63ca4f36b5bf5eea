"""``wva-exporter fit``: learn service parameters from measured points, offline."""

from __future__ import annotations

import argparse
import math
import re
import sys
from datetime import datetime
from pathlib import Path

from wva_exporter.cli import FINDINGS, FINE, UNREACHABLE
from wva_exporter.config.catalogue import load_catalogue
from wva_exporter.config.durations import parse_duration
from wva_exporter.conventions import PROGRAM
from wva_exporter.engines.promql import QuerySettings
from wva_exporter.errors import ConfigError, InvalidValue, SourceError
from wva_exporter.evidence.fit import Fitted, fit_points
from wva_exporter.evidence.measured import Measured, measured, read_csv
from wva_exporter.evidence.plot import draw_fit, save
from wva_exporter.evidence.profile import error_rows, profile_text
from wva_exporter.sources.history import Range, observations

_UNNAMED = "unnamed"
_USELESS = (
    "most points are missed by more than a half, so no profile is written: are times in milliseconds, rates those of one "
    "replica in requests per second, and all points of one engine?"
)
_TITLES = {
    "error_one_fit": "one fit for all workloads",
    "error_fit_per_workload": "a fit for each workload",
    "error_of_workloads_left_out": "workloads that the fit has not seen",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The points, what they were measured on, and what to write."""
    parser.add_argument("points", nargs="?", type=Path, metavar="POINTS.csv", help="measured points, one a row")
    parser.add_argument("--prometheus.url", dest="url", metavar="URL", help="read a range of a Prometheus instead")
    parser.add_argument("--start", metavar="TIME", help="its begin: seconds since the epoch, or 2026-05-01T12:00:00Z")
    parser.add_argument("--end", metavar="TIME", help="its end")
    parser.add_argument("--step", default="60s", metavar="DURATION", help="distance of its points (%(default)s)")
    parser.add_argument("--model", default=_UNNAMED, metavar="NAME", help="the model, as engines name it")
    parser.add_argument("--accelerator", default=_UNNAMED, metavar="NAME", help="the kind of card, such as H100")
    parser.add_argument("--gpus", type=int, default=1, metavar="N", help="cards of a replica (%(default)s)")
    parser.add_argument(
        "--max-batch", type=int, default=256, metavar="N", help="the engine's batch limit (%(default)s)"
    )
    parser.add_argument(
        "--catalogue", type=Path, action="append", default=[], metavar="FILE", help="entries of your own"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the profile here instead of printing it")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw measured against predicted (.png or .svg)")


def run(arguments: argparse.Namespace) -> int:
    """Fit, print the errors, write the profile."""
    if not (1 <= arguments.max_batch <= 10_000 and 1 <= arguments.gpus <= 1024):  # noqa: PLR2004 - no engine has more
        raise ConfigError(["--max-batch lies within 1 and 10000, --gpus within 1 and 1024"])
    catalogue = load_catalogue(arguments.catalogue)
    try:
        points, source = _points(arguments)
    except SourceError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return UNREACHABLE
    guess = catalogue.guess([arguments.model], [arguments.accelerator], [arguments.gpus])
    kept = points.thinned()
    fitted = fit_points(kept, guess)
    text = profile_text(
        fitted, model=arguments.model, accelerator=arguments.accelerator, gpus=arguments.gpus, source=source
    )
    if len(kept) < len(points):
        print(f"# {len(points)} points are more than are needed: {len(kept)} of them, evenly chosen, are fitted")
    _report(fitted)
    if not fitted.useful:
        print(f"{PROGRAM}: {_USELESS}", file=sys.stderr)
        return FINDINGS
    if arguments.output is None:
        print(text, end="")
    else:
        _write(arguments.output, text)
    if arguments.plot is not None:
        named = [name for name in (arguments.model, arguments.accelerator) if name != _UNNAMED]
        save(
            draw_fit(fitted, ": ".join([" on ".join(named), f"{len(kept)} points"]).removeprefix(": ")),
            arguments.plot,
        )
        print(f"# drawn: {arguments.plot}")
    return FINE


def _points(arguments: argparse.Namespace) -> tuple[Measured, str]:
    if (arguments.points is None) == (arguments.url is None):
        raise ConfigError(["give either a file of points or --prometheus.url"])
    if arguments.points is not None:
        points = read_csv(arguments.points, arguments.max_batch)
        return points, f"fit of {len(points)} points of {arguments.points.name}"
    if arguments.start is None or arguments.end is None or arguments.model == _UNNAMED:
        raise ConfigError(["--prometheus.url needs --model, --start and --end"])
    step = _seconds(arguments.step)
    asked = Range(
        url=arguments.url,
        model=arguments.model,
        start=_time("--start", arguments.start),
        end=_time("--end", arguments.end),
        step_seconds=step,
    )
    settings = QuerySettings(
        short_window_seconds=max(step, 60.0),
        long_window_seconds=max(step, 300.0),
        scrape_interval_seconds=15.0,
        hold_seconds=600.0,
    )
    points = measured(observations(asked, settings, arguments.max_batch))
    return points, f"fit of {len(points)} points of a Prometheus, {arguments.start} to {arguments.end}"


def _seconds(text: str) -> float:
    try:
        return parse_duration(text)
    except InvalidValue as error:
        raise ConfigError([f"--step: {error}"]) from None


def _time(flag: str, text: str) -> float:
    try:
        seconds = float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else datetime.fromisoformat(text).timestamp()
    except ValueError:
        seconds = math.nan
    if not 0.0 <= seconds < 1e11:  # noqa: PLR2004 - also refuses NaN; dates end there
        raise ConfigError([f"{flag}: {text!r} is not allowed: must be seconds, or a time such as 2026-05-01T12:00:00Z"])
    return seconds


def _report(fitted: Fitted) -> None:
    print(f"# {len(fitted.points)} points, {len(fitted.points.names)} workloads; mean errors of TTFT and ITL:")
    for name, (ttft, itl) in error_rows(fitted).items():
        print(f"#   {_TITLES[name]:<36} {ttft:6.1%} {itl:6.1%}")
    doubtful = [
        name
        for name, fine in zip(("alpha", "beta", "gamma"), fitted.whole.identified[0].tolist(), strict=True)
        if not fine
    ]
    if doubtful:
        print(f"# these points hardly tell {' and '.join(doubtful)}: vary the load, and the lengths of requests")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError([f"{path}: cannot be written: {error.strerror or error}"]) from None
    print(f"# written: {path}")
