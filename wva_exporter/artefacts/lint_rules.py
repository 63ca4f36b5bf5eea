"""Faults of rules that Prometheus accepts and people pay for. What pint checks and can be known without a server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import promql_parser as tree

from wva_exporter import conventions
from wva_exporter.artefacts.label_flow import LabelSet, labels_of
from wva_exporter.artefacts.lint_alerts import alert_faults
from wva_exporter.artefacts.mixin import Mixin
from wva_exporter.artefacts.names_libsonnet import stored_name
from wva_exporter.artefacts.promql_tree import Node, bare, is_filter, is_number, parse, series_of, walk
from wva_exporter.conventions import Kind, Metric

Rule = Mapping[str, Any]
Check = Callable[[Node], Iterator[str]]

LEVELS = ("wva", "replica", "variant", "role", "model", "namespace", "accelerator")
_NAME = re.compile(rf"(?:wva:[a-z0-9_]+|(?:{'|'.join(LEVELS[1:])}):wva_[a-z0-9_]+):[a-z0-9_]+")
_NOT_EVERYWHERE = frozenset(
    {
        *(
            "holt_winters",
            "double_exponential_smoothing",
            "mad_over_time",
            "sort_by_label",
            "sort_by_label_desc",
            "info",
        ),
        *("histogram_avg", "histogram_stddev", "histogram_stdvar", "ts_of_max_over_time", "ts_of_min_over_time"),
        *("ts_of_last_over_time", "first_over_time", "limitk", "limit_ratio"),
    }
)
"""Functions that Prometheus 2.42, 3.x or VictoriaMetrics lacks."""

_RATES = frozenset({"rate", "irate", "increase", "delta", "deriv"})
_RECORDED_SUFFIXES = ("_bucket", "_count", "_sum")


def lint(mixin: Mixin, *, scrape_interval_seconds: float = 15.0) -> list[str]:
    """A sentence for each fault, in the order of the rules; none if all is well."""
    return list(_faults(mixin, scrape_interval_seconds))


def _faults(mixin: Mixin, scrape_seconds: float) -> Iterator[str]:
    recorded: dict[str, LabelSet] = {}
    everything = {rule["record"] for group in mixin.recording for rule in group["rules"]}
    seen: set[tuple[str, ...]] = set()
    for group in (*mixin.recording, *mixin.alerts):
        own = {rule.get("record") for rule in group["rules"]}
        for rule in group["rules"]:
            name = rule.get("record") or rule.get("alert") or "?"
            where = f"{group['name']}: {name}"
            key = (name, *(f"{k}={v}" for k, v in sorted(rule.get("labels", {}).items()) if "record" in rule))
            if key in seen:
                yield f"{where}: is there twice"
            seen.add(key)
            try:
                node = parse(rule["expr"])
            except ValueError as error:
                yield f"{where}: is not PromQL: {error}"
                continue
            known = everything - own | recorded.keys()
            faults = [*_expression_faults(node, recorded, scrape_seconds), *_unknown_series(node, known)]
            if "record" in rule:
                faults += _record_faults(rule)
                recorded[name] = _merged(recorded.get(name), labels_of(node, recorded), rule.get("labels", {}))
            else:
                faults += alert_faults(rule, node, labels_of(node, recorded))
            yield from (f"{where}: {fault}" for fault in dict.fromkeys(faults))


def _merged(before: LabelSet | None, now: LabelSet, added: Mapping[str, str]) -> LabelSet:
    names = now.names | added.keys()
    return LabelSet(names=names if before is None else names | before.names, more=now.more)


def _record_faults(rule: Rule) -> Iterator[str]:
    if not _NAME.fullmatch(rule["record"]):
        yield "is not called level:wva_what:operation"


def _unknown_series(node: Node, recorded: set[str]) -> Iterator[str]:
    """A name of ours that nobody exposes, or that no rule above records."""
    for name in series_of(node):
        ours = name.partition(":")[0] in LEVELS if ":" in name else name.startswith("wva_")
        if ours and name not in recorded and name not in PUBLISHED:
            yield f"reads {name}, which nothing {'above it records' if ':' in name else 'publishes'}"


PUBLISHED = frozenset(
    name
    for metric in vars(conventions).values()
    if isinstance(metric, Metric)
    for name in (
        [stored_name(metric)]
        if metric.kind is not Kind.HISTOGRAM
        else [f"{metric.name}{suffix}" for suffix in _RECORDED_SUFFIXES]
    )
)


_RECORDED = re.compile(r"wva:|\w+:wva_")
"""How names begin that are recorded; engines have colons in theirs too."""


def _expression_faults(node: Node, recorded: Mapping[str, LabelSet], scrape_seconds: float) -> Iterator[str]:
    for each in walk(node):
        match each:
            case tree.Call():
                yield from _call_faults(each, scrape_seconds)
            case tree.VectorSelector():
                yield from _matcher_faults(each)
            case tree.BinaryExpr():
                yield from _matching_faults(each, recorded)
                yield from _division_faults(each)


def _call_faults(node: Node, scrape_seconds: float) -> Iterator[str]:
    """Functions that not every server has, windows that hold too few samples, rates of sums."""
    name = node.func.name
    if name in _NOT_EVERYWHERE:
        yield f"calls {name}, which not every server knows"
    if name not in _RATES:
        return
    for arg in node.args:
        if isinstance(arg, tree.MatrixSelector) and arg.range < timedelta(seconds=4 * scrape_seconds):
            yield f"{name} over {arg.range.total_seconds():g} s, which is less than 4 scrapes of {scrape_seconds:g} s"
        series = next(series_of(arg), "")
        counter = series.endswith(("_total", *_RECORDED_SUFFIXES))
        if name in {"rate", "irate", "increase"} and _RECORDED.match(series):
            yield f"{name} of the recorded {series}: a counter that was reset is not seen in a sum"
        if name in {"rate", "irate", "increase"} and not counter and "histogram" not in series and not _native(series):
            yield f"{name} of {series}, which is not a counter"


def _native(series: str) -> bool:
    """Whether it may be a histogram of the native kind, which has no suffix."""
    return series.endswith("_seconds")


def _matcher_faults(node: Node) -> Iterator[str]:
    """Regular expressions that are none, and spellings of numbers that differ between servers."""
    for matcher in node.matchers.matchers:
        regex = matcher.op in (tree.MatchOp.Re, tree.MatchOp.NotRe)
        if regex and re.escape(matcher.value) == matcher.value:
            yield f"{node.name}: {matcher.name} is matched by an expression that is plain text"
        if not regex and matcher.name in ("le", "quantile") and re.fullmatch(r"\d+", matcher.value):
            yield f'{node.name}: {matcher.name}="{matcher.value}" is spelled "{matcher.value}.0" by some servers'


def _matching_faults(node: Node, recorded: Mapping[str, LabelSet]) -> Iterator[str]:
    """Two sides that cannot match: labels that one of them never has."""
    if is_number(node.lhs) or is_number(node.rhs):
        return
    left, right = labels_of(node.lhs, recorded), labels_of(node.rhs, recorded)
    matching = None if node.modifier is None else node.modifier.matching
    if matching is not None and matching.type == tree.LabelModifierType.Include:
        for label in matching.labels:
            if not (left.may_have(label) and right.may_have(label)):
                yield f"{node.op} on {label}, which one side never has"
    elif matching is None and str(node.op) != "or" and not (left.more or right.more) and left.names != right.names:
        differing = ", ".join(sorted(left.names ^ right.names))
        yield f"{node.op} of sides with different labels ({differing}) and no on ()"


def _division_faults(node: Node) -> Iterator[str]:
    """A quotient of nothing is no number: the denominator must say that it is there."""
    if str(node.op) != "/" or is_number(node.rhs):
        return
    guarded = any(is_filter(each) for each in walk(bare(node.rhs)))
    interval = all(name.endswith("_seconds") for name in series_of(node.rhs))
    if not guarded and not interval:
        yield "divides by what may be 0, without > 0"
