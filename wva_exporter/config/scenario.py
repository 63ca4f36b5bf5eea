"""A scenario file: the fleet, the promise and the load that ``wva-exporter simulate`` puts policies into."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, Strict, ValidationError

from wva_exporter.config.document import KeyPath, read_document
from wva_exporter.config.durations import format_duration
from wva_exporter.config.findings import Input, findings, printable
from wva_exporter.config.load import read_text
from wva_exporter.config.scalars import Count, Duration, Flag, Money, Period, PositiveCount, Text
from wva_exporter.config.scenario_workload import Rps, Spread, Workload
from wva_exporter.config.section import (
    Given,
    Problem,
    Section,
    count_of,
    key,
    number_of,
    seconds_of,
    section_of,
    sections_of,
)
from wva_exporter.errors import ConfigError

Milliseconds = Annotated[float, Strict(), Field(gt=0, le=1_000_000, allow_inf_nan=False)]
Weight = Annotated[float, Strict(), Field(ge=0, le=1_000, allow_inf_nan=False)]
Watts = Annotated[float, Strict(), Field(ge=0, le=1_000_000, allow_inf_nan=False)]

MOST_REPLICAS = 10_000
"""Of a variant: a simulation keeps each of them, whether it serves anybody or not."""

MOST_SECONDS = 365 * 86_400.0
"""Of the scored time, and of the warm-up: nobody plays more than a year."""

MOST_STEPS = 4_000_000
"""Scrapes, decisions and looks of an HPA in a run: a policy decides in a few milliseconds, so that these are hours."""


def _at_most_a_year(seconds: float) -> float:
    if seconds > MOST_SECONDS:
        raise ValueError(f"must be at most {format_duration(MOST_SECONDS)}")
    return seconds


Length = Annotated[Period, AfterValidator(_at_most_a_year)]
WarmUpLength = Annotated[Duration, AfterValidator(_at_most_a_year)]

Replicas = Annotated[int, Strict(), Field(ge=0, le=MOST_REPLICAS)]
PositiveReplicas = Annotated[int, Strict(), Field(ge=1, le=MOST_REPLICAS)]

BLOCK_TOKENS = 16
"""Tokens of a block of the KV cache; an engine holds one block or more."""

CacheTokens = Annotated[int, Strict(), Field(ge=BLOCK_TOKENS, le=1_000_000)]

At = Callable[[KeyPath], str]
"""Where a key was written, as messages begin: ``mine.yaml:8``."""

DOWN_WINDOW_SECONDS = 300.0
"""What every scaler waits before it lets a replica go."""

_SLOW_SIGMAS, _MOST_SIGMA, _MOST_SECONDS = 2.0, 3.0, 86_400.0
"""Of a hundred start-ups two or three take longer than the median times e to two sigma; nobody waits for more than a day."""

INTERVALS: Mapping[str, str] = MappingProxyType({"scrape_interval": "15s", "interval": "5s", "sync_interval": "15s"})
"""What is done again and again in a run, and after how long where the file does not say."""

_HALVES = (("prefill", "prompts"), ("decode", "answers"))


class Promise(Section):
    """When a request was served well: both times kept."""

    ttft_seconds: Duration = key("Time to the first token.", name="ttft")
    itl_seconds: Duration = key("Mean time between two tokens of the request.", name="itl")


class WarmUp(Section):
    """What the fleet serves before the first request that counts, so that it is settled then."""

    seconds: WarmUpLength = key("How long: at least the longest start-up and 300 s, unless `rps` is 0.", name="for")
    rps: Rps | None = key(
        "Rate of these requests; the first rate if not given. 0 is a cold start.", None, unit="requests per second"
    )


class Router(Section):
    """How requests are given to replicas."""

    kv_weight: Weight = key("Weight of the KV cache that is wanted of a replica.", 1.0)
    queue_weight: Weight = key("Weight of the requests per place.", 1.0)
    holds: Flag = key("Keep requests at the router while every replica is saturated.", default=False)
    max_queue: Count | None = key("Requests that the router holds at most; more are refused.", None, unit="requests")


class Engine(Section):
    """How fast a replica computes and how much it holds; what is not given comes from the catalogue."""

    alpha_ms: Milliseconds | None = key("Fixed part of an iteration.", None, unit="milliseconds")
    beta_ms: Milliseconds | None = key("For each token that it computes.", None, unit="milliseconds per token")
    gamma_ms: Milliseconds | None = key("For each resident token that it reads.", None, unit="milliseconds per token")
    prefill_beta_ms: Milliseconds | None = key(
        "For each token of a prompt; `beta_ms` if not given.", None, unit="milliseconds per token"
    )
    ttft_overhead_seconds: Duration | None = key(
        "What a client waits for its first token beside the engine; nothing if not given.", None, name="ttft_overhead"
    )
    handover_seconds: Duration | None = key(
        "From a prefill replica to a decode replica; nothing if not given.", None, name="handover"
    )
    kv_tokens: CacheTokens | None = key(
        "KV cache; 90 % of the memory less the weights if not given.", None, unit="tokens"
    )
    max_sequences: PositiveCount = key("Requests that run at once.", 256, unit="requests")
    max_batched_tokens: PositiveCount = key("Tokens that one iteration computes at most.", 8192, unit="tokens")
    max_waiting: Count | None = key(
        "Requests that wait at a replica at most; more are refused. No bound if not given.", None, unit="requests"
    )
    max_model_tokens: PositiveCount = key("Prompt and answer of the longest request.", 32_768, unit="tokens")


class Variant(Section):
    """A kind of replica of the model."""

    name: Text = key("Name of the variant.")
    accelerator: Text = key("Its hardware, by the name that the catalogue has.")
    gpus: PositiveCount = key("Accelerators of one replica.", 1, unit="GPUs")
    cost: Money | None = key(
        "Cost of one replica; the catalogue's price of its accelerators if not given.", None, unit="currency per hour"
    )
    min: Replicas = key("Fewest replicas.", 1, unit="replicas")
    max: PositiveReplicas = key("Most replicas.", unit="replicas")
    replicas: Replicas | None = key("How many it starts with; `min` if not given.", None, unit="replicas")
    startup_seconds: Duration = key("From a new replica to a ready one: the median.", name="startup")
    startup_sigma: Spread = key("Standard deviation of the logarithm of the start-up.", 0.0)
    role: Literal["both", "prefill", "decode"] = key("Part of each request that it serves.", "both")
    engine: Engine = key("Its engine.", Engine)

    @classmethod
    def problems(cls, given: Given) -> Iterable[Problem]:
        """It starts within its bounds."""
        least, most = count_of(given, "min", 1), count_of(given, "max")
        first = count_of(given, "replicas", least)
        if least is None or most is None or first is None or min(least, first) < 0:
            return
        if most < least:
            yield ("max",), f"must be at least min, {least}"
        elif not least <= first <= most:
            yield ("replicas",), f"must be from min, {least}, to max, {most}"


class ScenarioFile(Section):
    """Everything that a scenario file says."""

    title: Text = key("What happens, in a few words.")
    summary: Text = key("What it shows, in a sentence.")
    kind: Literal["step", "burst", "slow", "trace"] = key("What the load does.", "step")
    feasible: Flag = key("Whether the largest fleet can carry the load.", default=True)
    model: Text = key("The model, by the name that the catalogue has.")
    promise: Promise = key("What a good request is.")
    duration_seconds: Length = key("How long requests come that count.", name="duration")
    warm_up: WarmUp | None = key("What comes before that; nothing if not given.", None)
    scrape_interval_seconds: Period = key(
        "How often replicas are scraped.", INTERVALS["scrape_interval"], name="scrape_interval"
    )
    interval_seconds: Period = key(
        "Time between two decisions of an exporter, and between two scrapes of what it decided.",
        INTERVALS["interval"],
        name="interval",
    )
    sync_interval_seconds: Period = key(
        "Time between two looks of an HPA.", INTERVALS["sync_interval"], name="sync_interval"
    )
    grace_seconds: Duration = key("What a replica that leaves has to finish its requests.", "60s", name="grace")
    router: Router = key("How requests are given to replicas.", Router)
    variants: tuple[Variant, ...] = key("The kinds of replicas, at least one.")
    workload: Workload = key("The load.")

    @classmethod
    def problems(cls, given: Given) -> Iterable[Problem]:
        """Names are given once; both halves of a request are served by somebody."""
        variants = sections_of(given, "variants")
        if given.get("variants") == ():
            yield ("variants",), "must name at least one"
        names = [variant.get("name") for _, variant in variants]
        for place, variant in variants:
            if (first := names.index(variant.get("name"))) != place:
                yield ("variants", place, "name"), f"variants[{first}] has this name already"
        yield from _unsettled(given, variants)
        yield from _endless(given)
        roles = {variant.get("role", "both") for _, variant in variants}
        for alone, other in (("prefill", "decode"), ("decode", "prefill")):
            if alone in roles and other not in roles and "both" not in roles:
                yield ("variants",), f"a variant of role {alone} needs one of role {other}"
                return
        yield from _asleep(variants)


def _endless(given: Given) -> Iterable[Problem]:
    """Lengths and intervals that together make more steps than anybody waits for; told at the longer of the two lengths."""
    scored, warm_up = seconds_of(given, "duration", {}), seconds_of(section_of(given, "warm_up"), "for", {}) or 0.0
    every = [seconds_of(given, name, INTERVALS) for name in INTERVALS]
    if scored is None or not all(seconds is not None and seconds >= 1 for seconds in every):
        return  # what is wrong with an interval is said of it
    steps = sum((scored + warm_up) / seconds for seconds in every if seconds)
    if steps > MOST_STEPS:
        where: KeyPath = ("warm_up", "for") if warm_up > scored else ("duration",)
        much = f"{steps:.0f} scrapes, decisions and looks of an HPA are due with those of the warm-up"
        yield where, f"{much}; must be at most {MOST_STEPS}, with longer intervals or less time"


def _asleep(variants: list[tuple[int, Given]]) -> Iterable[Problem]:
    """Halves of a request that the smallest fleet does not serve: a scenario has no ``scale_to_zero``, so nobody wakes them."""
    found: dict[int, str] = {}
    for half, what in _HALVES:
        serving = [(place, given) for place, given in variants if given.get("role", "both") in {"both", half}]
        if serving and all(count_of(given, "min", 1) == 0 for _, given in serving):
            found.setdefault(serving[0][0], what)
    for place, what in found.items():
        rest = "nothing wakes a fleet that is at zero in a scenario"
        yield ("variants", place, "min"), f"of the variants that serve {what} one must have at least 1: {rest}"


def _unsettled(given: Given, variants: list[tuple[int, Given]]) -> Iterable[Problem]:
    """A warm-up that ends while the fleet still finds its size: what is scored then is what it began with.

    One without requests is a cold start, which is meant to be unready; a trace cannot have it.
    """
    warm_up, recorded = section_of(given, "warm_up"), "trace" in section_of(given, "workload")
    if "rps" in warm_up and recorded:
        yield ("warm_up", "rps"), "must not be given beside a trace, which has a beginning of its own"
    seconds = seconds_of(warm_up, "for", {})
    slowest = max((_slow_start(given) for _, given in variants), default=0.0)
    needed = math.ceil(slowest) + DOWN_WINDOW_SECONDS
    if seconds is None or number_of(warm_up, "rps") == 0 or seconds >= needed:
        return
    starting, window = format_duration(math.ceil(slowest)), format_duration(DOWN_WINDOW_SECONDS)
    because = f"a start-up of {starting} and a down window of {window}, so that the fleet is settled"
    instead = "" if recorded else "; or give rps: 0, a cold start"
    yield ("warm_up", "for"), f"must be at least {format_duration(needed)}, {because}{instead}"


def _slow_start(given: Given) -> float:
    """Seconds that nearly every start-up of a variant takes at most; 0 where what is written is no such thing."""
    sigma = min(max(0.0, number_of(given, "startup_sigma", 0.0) or 0.0), _MOST_SIGMA)
    median = seconds_of(given, "startup", {}) or 0.0
    return min(median * math.exp(_SLOW_SIGMAS * sigma), _MOST_SECONDS)


def read_scenario(path: Path) -> tuple[ScenarioFile, At]:
    """A scenario from a file, and where each of its keys was written.

    Raises:
        ConfigError: the file cannot be read or is refused; every finding is one line.
    """
    text = read_text(path)  # once: it may be a pipe
    return parse_scenario(text, str(path)), _lines(text, printable(str(path)))


def _lines(text: str, name: str) -> At:
    """The line of a key, or of the nearest thing above it that somebody wrote."""
    line = read_document(text).line

    def at(path: KeyPath) -> str:
        known = (line[path[:length]] for length in range(len(path), 0, -1) if path[:length] in line)
        return ":".join([name, *map(str, [*known][:1])])

    return at


def parse_scenario(text: str, name: str) -> ScenarioFile:
    """A scenario from the text of a file called ``name``.

    Raises:
        ConfigError: the text is refused; every finding is one line.
    """
    document = read_document(text)
    given = Input(name=name, document=document, flags={}, data=document.data, file=ScenarioFile)
    if document.broken:  # what would be said of a part is not true of the whole
        raise ConfigError(findings(given, ()))
    try:
        scenario = ScenarioFile.model_validate(document.data)
    except ValidationError as error:
        raise ConfigError(findings(given, error.errors(include_url=False))) from None
    if document.flaws:
        raise ConfigError(findings(given, ()))
    return scenario
