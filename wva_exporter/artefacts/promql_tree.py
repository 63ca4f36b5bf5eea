"""Questions about a PromQL expression, asked of its syntax tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import promql_parser as tree

Node = Any
"""A node of ``promql_parser``; its classes have no common base."""

COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
ARITHMETIC = frozenset({"+", "-", "*", "/", "%", "^", "atan2"})
SET_OPERATORS = frozenset({"and", "or", "unless"})


def parse(expression: str) -> Node:
    """The tree of an expression.

    Raises:
        ValueError: it is not PromQL.
    """
    return tree.parse(expression)


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def children(node: Node) -> Iterator[Node]:
    """What it is made of, without labels and text of its own."""
    match node:
        case tree.BinaryExpr():
            yield from (node.lhs, node.rhs)
        case tree.Call():
            yield from node.args
        case tree.MatrixSelector():
            yield node.vector_selector
        case tree.AggregateExpr() | tree.ParenExpr() | tree.UnaryExpr() | tree.SubqueryExpr():
            yield node.expr


def bare(node: Node) -> Node:
    """The node within its parentheses."""
    while isinstance(node, tree.ParenExpr):
        node = node.expr
    return node


def is_number(node: Node) -> bool:
    """Whether it is a scalar: a number, or arithmetic of numbers."""
    node = bare(node)
    match node:
        case tree.NumberLiteral():
            return True
        case tree.UnaryExpr():
            return is_number(node.expr)
        case tree.BinaryExpr():
            return is_number(node.lhs) and is_number(node.rhs)
        case tree.Call():
            return node.func.name in {"time", "pi", "scalar"}
        case _:
            return False


def is_filter(node: Node) -> bool:
    """Whether it is a comparison that drops rows, and not one that answers 0 or 1."""
    node = bare(node)
    return (
        isinstance(node, tree.BinaryExpr)
        and str(node.op) in COMPARISONS
        and not (node.modifier is not None and node.modifier.return_bool)
    )


def series_of(node: Node) -> Iterator[str]:
    """The names of the series that it reads."""
    yield from (each.name for each in walk(node) if isinstance(each, tree.VectorSelector) and each.name)
