"""What an object that somebody wrote asks of our series: which ones, with which labels, in how many elements.

Selectors are found by their form, because what KEDA reads of an exporter's page is no PromQL; what stands around them is asked
of the syntax tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import promql_parser as tree

from wva_exporter.artefacts.promql_tree import ARITHMETIC, Node, parse, series_of, walk
from wva_exporter.conventions import DESIRED_REPLICAS, SAFE_DESIRED_REPLICAS, Label

SERIES = (DESIRED_REPLICAS.name, SAFE_DESIRED_REPLICAS)
NAMESPACE_LABELS = (str(Label.NAMESPACE), f"exported_{Label.NAMESPACE}")

_TEXT = r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|`[^`]*`'
_SELECTOR = re.compile(
    rf"(?<![\w:])({'|'.join(re.escape(name) for name in SERIES)})(?![\w:])\s*(?:\{{((?:{_TEXT}|[^{{}}\"'`])*)\}})?"
)
_MATCHER = re.compile(rf"([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*({_TEXT})", re.ASCII)
_LARGEST = re.compile(r"\s*max\s*(?:(by|without)\s*\(([^()]*)\)\s*)?\(")
_AFTER = re.compile(r"\)\s*(by|without)\s*\(([^()]*)\)\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A selector of one of our series; ``equal`` are the labels that it pins, ``other`` those that it matches otherwise."""

    series: str
    equal: Mapping[str, str]
    other: frozenset[str]

    @property
    def namespace(self) -> tuple[str, str] | None:
        """The label that pins the namespace and what it says, None if none does."""
        return next(((label, self.equal[label]) for label in reversed(NAMESPACE_LABELS) if label in self.equal), None)

    @property
    def loose(self) -> bool:
        """Whether a namespace is matched, but not by one name."""
        return not self.other.isdisjoint(NAMESPACE_LABELS)


def asked(query: str) -> tuple[Asked, ...]:
    """Every selector of our series in a query."""
    return tuple(_selectors(query))


def _selectors(query: str) -> Iterator[Asked]:
    for found in _SELECTOR.finditer(query):
        equal: dict[str, str] = {}
        other: set[str] = set()
        for label, operator, text in _MATCHER.findall(found[2] or ""):
            if operator == "=":
                equal[label] = text[1:-1]
            else:
                other.add(label)
        yield Asked(series=found[1], equal=equal, other=frozenset(other))


def one_element(query: str) -> bool:
    """Whether a query takes the largest of what it selects, and so answers with one element at most.

    It may keep labels of which the selector allows one value only.
    """
    largest = _LARGEST.match(query)
    if largest is None:
        return False
    kept = largest if largest[1] else _AFTER.search(query)
    if kept is None:
        return True
    labels = {label.strip() for label in kept[2].split(",") if label.strip()}
    pinned = {label for each in asked(query) for label in each.equal}
    return kept[1] == "by" and labels <= pinned


def answers_without(query: str) -> bool:
    """Whether a query answers a number where the target is missing: an ``or`` beside which none of our series stands."""
    return any(
        isinstance(each, tree.BinaryExpr)
        and str(each.op) == "or"
        and any(_ours(side) for side in (each.lhs, each.rhs))
        and not all(_ours(side) for side in (each.lhs, each.rhs))
        for each in walk(parse(query))
    )


def computes(query: str) -> bool:
    """Whether a query makes another number of the target."""
    return any(
        isinstance(each, tree.BinaryExpr) and str(each.op) in ARITHMETIC and _ours(each) for each in walk(parse(query))
    )


def is_promql(query: str) -> bool:
    """Whether a query can be asked at all."""
    try:
        parse(query)
    except ValueError:
        return False
    return True


def _ours(node: Node) -> bool:
    return not frozenset(SERIES).isdisjoint(series_of(node))
