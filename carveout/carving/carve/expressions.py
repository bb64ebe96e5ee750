"""Reads names in libcst expressions."""

import libcst as cst


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


def is_literal(node: cst.CSTNode) -> bool:
    if isinstance(node, cst.UnaryOperation):
        return is_literal(node.expression)
    return isinstance(node, cst.SimpleString | cst.Integer | cst.Float) or (
        isinstance(node, cst.Name) and node.value in ("True", "False", "None")
    )
