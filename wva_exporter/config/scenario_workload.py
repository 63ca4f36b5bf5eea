"""The load of a scenario file: how many requests come when, how long they are, or which recorded trace they are from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, Strict

from wva_exporter.config.scalars import Duration, Period, PositiveCount, Text
from wva_exporter.config.section import Given, Problem, Section, count_of, key, number_of, section_of, sections_of

Rps = Annotated[float, Strict(), Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Spread = Annotated[float, Strict(), Field(ge=0, le=100, allow_inf_nan=False)]
Factor = Annotated[float, Strict(), Field(gt=0, le=1_000_000, allow_inf_nan=False)]
Tokens = Annotated[float, Strict(), Field(gt=0, le=10_000_000, allow_inf_nan=False)]
Deviation = Annotated[float, Strict(), Field(ge=0, le=10_000_000, allow_inf_nan=False)]

PUBLISHED_SIZES = ".json"
"""How the file with ServeGen's own laws of sizes ends; others hold means."""

FORMATS = ("azure", "burstgpt", "mooncake", "servegen")


class Leg(Section):
    """A stretch of time with a rate."""

    rps: Rps = key("Rate at the end of the leg.", unit="requests per second")
    level_seconds: Duration | None = key("How long it stays there, from the first moment on.", None, name="for")
    ramp_seconds: Duration | None = key(
        "How long it takes from the rate of the leg before, on a straight line; level if it is the first.",
        None,
        name="over",
    )

    @classmethod
    def problems(cls, given: Given) -> Iterable[Problem]:
        """A leg is level or a ramp."""
        if ("for" in given) == ("over" in given):
            yield (), "either for or over must be given"


class Sine(Section):
    """A rate that swings, from its lowest point on: days and nights."""

    mean_rps: Rps = key("Mean rate.", unit="requests per second")
    swing_rps: Rps = key("How far it goes to either side, at most `mean_rps`.", unit="requests per second")
    period_seconds: Period = key("From one lowest point to the next.", name="period")

    @classmethod
    def problems(cls, given: Given) -> Iterable[Problem]:
        """A rate is never negative."""
        mean, swing = number_of(given, "mean_rps"), number_of(given, "swing_rps")
        if mean is not None and swing is not None and swing > mean >= 0:
            yield ("swing_rps",), f"must be at most mean_rps, {mean:g}"


class Flash(Section):
    """A flash crowd: a jump of the rate, and an exponential way back."""

    base_rps: Rps = key("Rate before the jump, and long after it.", unit="requests per second")
    peak_rps: Rps = key("Rate right after the jump.", unit="requests per second")
    at_seconds: Duration = key("When it jumps.", name="at")
    decay_seconds: Duration = key("Time in which the excess falls to 37 %.", name="decay")


class Trace(Section):
    """Recorded requests."""

    format: Literal["azure", "burstgpt", "mooncake", "servegen"] = key("How the file is written.")
    path: Text = key("The file; a relative path begins at the folder of trace data.")
    tokens: Text | None = key(
        "The file with sizes over time, the published `.json` or a table of means; only, and required, for `servegen`.",
        None,
    )
    scale: Factor = key("Factor on the number of requests.", 1.0, unit="ratio")
    speed: Factor = key("How many times faster the recorded time passes.", 1.0, unit="ratio")
    start_seconds: Duration | None = key("Recorded time to begin at; its first if not given.", None, name="start")
    sigma: Spread = key(
        "Standard deviation of the logarithm of sizes that are drawn around means, for `servegen`.", 0.8
    )
    most_tokens: PositiveCount = key("Longer prompts and answers are cut to this.", 1_000_000, unit="tokens")

    @classmethod
    def problems(cls, given: Given) -> Iterable[Problem]:
        """Rates alone say nothing of sizes; requests do."""
        tokens = given.get("tokens")
        if given.get("format") == "servegen":
            if tokens is None:
                yield (), "tokens is required for servegen, whose rates say nothing of sizes"
            elif "sigma" in given and isinstance(tokens, str) and tokens.endswith(PUBLISHED_SIZES):
                yield ("sigma",), f"must not be given beside a {PUBLISHED_SIZES} of sizes: its laws have a spread"
        elif "tokens" in given and given.get("format") in FORMATS:
            yield ("tokens",), "must be given for servegen only: other requests have sizes"


class Normal(Section):
    """A normal law; what falls outside the bounds is put on them."""

    mean: Tokens = key("Mean.", unit="tokens")
    deviation: Deviation = key("Standard deviation.", unit="tokens")
    least: PositiveCount = key("Smallest size.", 1, unit="tokens")
    most: PositiveCount = key("Largest size.", unit="tokens")

    @classmethod
    def problems(cls, given: Given) -> Iterable[Problem]:
        """The bounds hold something."""
        return _crossed(given)


class LogNormal(Section):
    """A log-normal law, cut to its bounds."""

    mean: Tokens = key("Mean before the cut.", unit="tokens")
    sigma: Spread = key("Standard deviation of the logarithm.")
    least: PositiveCount = key("Smallest size.", 1, unit="tokens")
    most: PositiveCount = key("Largest size.", unit="tokens")

    @classmethod
    def problems(cls, given: Given) -> Iterable[Problem]:
        """The bounds hold something."""
        return _crossed(given)


class Seen(Section):
    """A size that was seen."""

    tokens: PositiveCount = key("The size.", unit="tokens")
    weight: Factor = key("How often, relative to the others.", 1.0)


class Sizes(Section):
    """Which law the sizes follow: exactly one."""

    fixed: PositiveCount | None = key("Always this size.", None, unit="tokens")
    normal: Normal | None = key("A normal law.", None)
    lognormal: LogNormal | None = key("A log-normal law.", None)
    empirical: tuple[Seen, ...] | None = key("Sizes that were seen.", None)

    @classmethod
    def problems(cls, given: Given) -> Iterable[Problem]:
        """One law."""
        return _exactly_one(given, ("fixed", "normal", "lognormal", "empirical"))


class Workload(Section):
    """What comes. Exactly one of `legs`, `sine`, `flash` and `trace` says when."""

    legs: tuple[Leg, ...] | None = key("Stretches of time, one after another; the last rate holds to the end.", None)
    sine: Sine | None = key("A swinging rate.", None)
    flash: Flash | None = key("A flash crowd.", None)
    trace: Trace | None = key("A recorded trace.", None)
    gap_cv: Spread = key(
        "Coefficient of variation of the gaps between arrivals: 1 is Poisson, more comes in bursts.", 1.0
    )
    prompt: Sizes | None = key("Sizes of prompts; required without a trace.", None)
    output: Sizes | None = key("Sizes of answers; required without a trace.", None)
    patience_seconds: Duration | None = key(
        "How long clients wait for a first token; for ever if not given.", None, name="patience"
    )

    @classmethod
    def problems(cls, given: Given) -> Iterable[Problem]:
        """One way to say when; sizes where the trace has none."""
        yield from _exactly_one(given, ("legs", "sine", "flash", "trace"))
        recorded = "trace" in given
        for name in ("prompt", "output"):
            if recorded and name in given:
                yield (name,), "must not be given beside a trace, which has sizes of its own"
            elif not recorded and name not in given:
                yield (), f"{name} is required without a trace"
        if recorded and "gap_cv" in given:
            yield ("gap_cv",), "must not be given beside a trace, which has arrivals of its own"
        yield from _silent(given)


def _silent(given: Given) -> Iterable[Problem]:
    """Rates that are all zero: there is nothing to score."""
    sine, flash = section_of(given, "sine"), section_of(given, "flash")
    rates = {
        "legs": [number_of(leg, "rps") for _, leg in sections_of(given, "legs")],
        "sine": [number_of(sine, "mean_rps")],
        "flash": [number_of(flash, "base_rps"), number_of(flash, "peak_rps")],
    }
    for name, found in rates.items():
        if found and all(rate == 0 for rate in found):
            yield (name,), "one rate must be above 0: no request would come"


def _crossed(given: Given) -> Iterable[Problem]:
    least, most = count_of(given, "least", 1), count_of(given, "most")
    if least is not None and most is not None and most < least:
        yield ("most",), f"must be at least least, {least}"


def _exactly_one(given: Given, names: tuple[str, ...]) -> Iterable[Problem]:
    """One of the keys, neither none nor two."""
    present = [name for name in names if name in given]
    if not present:
        yield (), f"one of {', '.join(names)} must be given"
    for name in present[1:]:
        yield (name,), f"must not be given beside {present[0]}"
    for name in present:
        if given[name] == ():
            yield (name,), "must hold at least one"
