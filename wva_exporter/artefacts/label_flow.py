"""Which labels the rows of an expression have: what PromQL does to label sets, followed through a syntax tree.

Labels of a series that somebody else exposes are not known; an aggregation makes a set known again. So a set is names, and
whether there may be more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import promql_parser as tree

from wva_exporter.artefacts.promql_tree import SET_OPERATORS, Node, children, is_number


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSet:
    """Labels that rows have, and whether they may have others."""

    names: frozenset[str] = frozenset()
    more: bool = False

    def may_have(self, name: str) -> bool:
        """Whether a row can have this label."""
        return self.more or name in self.names


ANY = LabelSet(more=True)
NONE = LabelSet()


def labels_of(node: Node, recorded: Mapping[str, LabelSet]) -> LabelSet:
    """The labels of an expression's rows; ``recorded`` are those of recording rules, all other series may have any."""
    match node:
        case tree.VectorSelector():
            return recorded.get(node.name or "", ANY)
        case tree.MatrixSelector() | tree.ParenExpr() | tree.UnaryExpr() | tree.SubqueryExpr():
            return labels_of(next(children(node)), recorded)
        case tree.AggregateExpr():
            return _aggregated(node, recorded)
        case tree.Call():
            return _called(node, recorded)
        case tree.BinaryExpr():
            return _combined(node, recorded)
        case _:
            return NONE


def _aggregated(node: Node, recorded: Mapping[str, LabelSet]) -> LabelSet:
    inner = labels_of(node.expr, recorded)
    if str(node.op) in {"topk", "bottomk"}:
        return inner
    if node.modifier is None:
        return NONE
    given = frozenset(node.modifier.labels)
    if node.modifier.type == tree.AggModifierType.By:
        return LabelSet(names=given)
    return LabelSet(names=inner.names - given, more=inner.more)


def _called(node: Node, recorded: Mapping[str, LabelSet]) -> LabelSet:
    name = node.func.name
    inner = next((labels_of(arg, recorded) for arg in node.args if not _plain(arg)), NONE)
    if name in {"label_replace", "label_join"}:
        return LabelSet(names=inner.names | {node.args[1].val}, more=inner.more)
    if name in {"absent", "absent_over_time", "scalar", "vector", "time"}:
        return NONE
    if name == "histogram_quantile":
        return LabelSet(names=inner.names - {"le"}, more=inner.more)
    return inner


def _plain(node: Node) -> bool:
    return isinstance(node, tree.StringLiteral) or is_number(node)


def _combined(node: Node, recorded: Mapping[str, LabelSet]) -> LabelSet:
    left, right = labels_of(node.lhs, recorded), labels_of(node.rhs, recorded)
    operator = str(node.op)
    if is_number(node.rhs) or operator in {"and", "unless"}:
        return left
    if is_number(node.lhs):
        return right
    if operator in SET_OPERATORS:
        return LabelSet(names=left.names | right.names, more=left.more or right.more)
    return _matched(node.modifier, left, right)


def _matched(modifier: Node, left: LabelSet, right: LabelSet) -> LabelSet:
    """One row of the left with one of the right; grouped rows keep what they have and take the labels named."""
    if modifier is not None and modifier.card == tree.VectorMatchCardinality.ManyToOne:
        return LabelSet(names=left.names | set(modifier.group_labels or ()), more=left.more)
    if modifier is not None and modifier.card == tree.VectorMatchCardinality.OneToMany:
        return LabelSet(names=right.names | set(modifier.group_labels or ()), more=right.more)
    matching = None if modifier is None else modifier.matching
    if matching is None:
        return left if right.more else right
    if matching.type == tree.LabelModifierType.Include:
        return LabelSet(names=frozenset(matching.labels))
    return LabelSet(names=left.names - set(matching.labels), more=left.more)
