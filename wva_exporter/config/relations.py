"""What keys of the whole file rule out about each other, on the values as they were written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from wva_exporter.config.durations import format_duration
from wva_exporter.config.section import Given, Problem, seconds_of, sections_of

DEFAULT_TIMES: Mapping[str, str] = MappingProxyType(
    {"interval": "15s", "scrape_interval": "15s", "hold": "10m", "window_floor": "60s"}
)
"""Times that hold where the file gives none."""


def mistimed(given: Given) -> Iterable[Problem]:
    """Times that leave no room for the others.

    A hold shorter than four cycles would withdraw targets over a hiccup. A window or an age below two scrapes never holds
    a rate or a fresh sample; their defaults follow the scrape interval, so only a given one can be too short.
    """
    for longer, count, shorter, default_counts in (
        ("hold", 4, "interval", True),
        ("window_floor", 2, "scrape_interval", False),
        ("max_input_age", 2, "scrape_interval", False),
    ):
        said = longer if longer in given else shorter
        if said not in given or not (longer in given or default_counts):
            continue
        long_seconds = seconds_of(given, longer, DEFAULT_TIMES)
        short_seconds = seconds_of(given, shorter, DEFAULT_TIMES)
        if long_seconds is None or short_seconds is None or long_seconds >= count * short_seconds:
            continue
        least = f"at least {count} x {shorter}, {format_duration(count * short_seconds)}"
        if said == longer:
            yield (longer,), f"must be {least}"
        else:
            yield (shorter,), f"{longer} must be {least}, and is {format_duration(long_seconds)}"


def repeated(given: Given, name: str, default_namespace: object) -> Iterable[Problem]:
    """Entries of a list that have the name and the namespace of an earlier one."""
    first: dict[tuple[str, str], int] = {}
    for place, entry in sections_of(given, name):
        title, namespace = entry.get("name"), entry.get("namespace", default_namespace)
        if not isinstance(title, str) or not isinstance(namespace, str | None):
            continue
        earlier = first.setdefault((namespace or "", title), place)
        if earlier != place:
            where = "in every namespace" if namespace is None else f"in namespace {namespace!r}"
            yield (name, place, "name"), f"{name}[{earlier}] has this name already, {where}"


def miscased(given: Given) -> Iterable[Problem]:
    """Variants whose model differs from a declared one only by case: engines and series tell the two apart."""
    names = {name for _, model in sections_of(given, "models") if isinstance(name := model.get("name"), str)}
    folded = {name.casefold(): name for name in sorted(names)}
    for place, variant in sections_of(given, "variants"):
        model = variant.get("model")
        if isinstance(model, str) and model not in names and (meant := folded.get(model.casefold())):
            yield ("variants", place, "model"), f"models has it as {meant!r}: case matters"
