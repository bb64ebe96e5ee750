"""Reads names in libcst expressions, and finds what is around them."""

from collections.abc import Iterable

import libcst as cst
from libcst.metadata import ParentNodeProvider, PositionProvider

LINE_LENGTH = 88
"""The longest line that is written."""


class UpwardVisitor(cst.CSTVisitor):
    """A visitor that sees what is around a node."""

    METADATA_DEPENDENCIES = (ParentNodeProvider, PositionProvider)

    def _parent(self, node: cst.CSTNode) -> cst.CSTNode:
        parent: cst.CSTNode = self.get_metadata(ParentNodeProvider, node)
        return parent

    def _around(self, node: cst.CSTNode) -> Iterable[cst.CSTNode]:
        while not isinstance(node, cst.Module):
            node = self._parent(node)
            yield node


def dotted(node: cst.CSTNode) -> str:
    """The dotted name of an expression, with () for calls in it, as the survey writes them."""
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr.value}" if before else ""
    if isinstance(node, cst.Call):
        before = dotted(node.func)
        return f"{before}()" if before else ""
    return ""


def code(node: cst.CSTNode) -> str:
    return cst.Module(body=[]).code_for_node(node)


def is_docstring(node: cst.CSTNode) -> bool:
    """Whether a statement is only a string."""
    small = node.body[0] if isinstance(node, cst.SimpleStatementLine) else None
    return isinstance(small, cst.Expr) and isinstance(small.value, cst.SimpleString)


def is_literal(node: cst.CSTNode) -> bool:
    if isinstance(node, cst.UnaryOperation):
        return is_literal(node.expression)
    return isinstance(node, cst.SimpleString | cst.Integer | cst.Float) or (
        isinstance(node, cst.Name) and node.value in ("True", "False", "None")
    )
