"""Reads single expressions of a syntax tree, without looking at the code around them."""

import ast
import re
from collections.abc import Iterator
from typing import Any

from carveout.carving.survey.facts import LOADED

DOTTED = re.compile(r"^[A-Za-z_]\w*([.:][A-Za-z_]\w*)+(\.\*)?$")
PAGE = re.compile(r"^[\w.-]+(:[\w.-]+)+$")
"""A URL name with its namespace."""
OR_404 = {"get_object_or_404()", "get_list_or_404()"}
BROAD = {"Exception", "BaseException", "DatabaseError", "IntegrityError", "OperationalError"}


def is_name(text: str) -> bool:
    """May this text name a module, a model or a URL?"""
    return bool(DOTTED.match(text) or PAGE.match(text))


def dotted(node: ast.AST | None) -> str:
    """The text of an expression such as `a.b().c`; empty for any other kind of expression."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    if isinstance(node, ast.Call):
        before = dotted(node.func)
        return f"{before}()" if before else ""
    if isinstance(node, ast.Subscript):
        return dotted(node.value)
    return ""


def chain(node: ast.AST) -> str:
    """As `dotted`, but empty if there is a call or an item in it."""
    inner = node
    while isinstance(inner, ast.Attribute):
        inner = inner.value
    return dotted(node) if isinstance(inner, ast.Name) else ""


def rows_of(value: ast.AST) -> str:
    """The chain of an expression, a string annotation, or `get_object_or_404(Order)`."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return value.value if DOTTED.match(f"_.{value.value}") else ""
    name = dotted(value)
    if isinstance(value, ast.Call) and name in OR_404 and value.args:
        return f"{dotted(value.args[0])}.objects.get()"
    if isinstance(value, ast.Call) and loads_model(value):
        label = ".".join(text_of(each) for each in value.args[:2])
        return f"{LOADED}{label}" if DOTTED.match(label) else name
    return name


def loads_model(value: ast.AST) -> bool:
    name = dotted(value).rpartition(".")[2]
    return isinstance(value, ast.Call) and name in ("get_model()", "get_user_model()")


def keywords_of(node: ast.Call) -> Iterator[tuple[str, str]]:
    """A call's keywords, also those of a dict literal: `**{"order__paid": True}`."""
    for each in node.keywords:
        if each.arg:
            yield each.arg, text_of(each.value)
        elif isinstance(each.value, ast.Dict):
            for key, value in zip(each.value.keys, each.value.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value, text_of(value)


def chains_of(values: list[ast.expr]) -> Iterator[tuple[str, str]]:
    """The string keys of dict literals, and the chains of attributes and calls that they hold."""
    for each in values:
        pairs = zip(each.keys, each.values, strict=True) if isinstance(each, ast.Dict) else ()
        for key, value in pairs:
            if isinstance(key, ast.Constant) and isinstance(key.value, str) and dotted(value):
                yield key.value, dotted(value)


def is_atomic(node: ast.AST) -> bool:
    return dotted(node).removesuffix("()").rpartition(".")[2] == "atomic"


def makes_atomic(decorator: ast.expr) -> bool:
    """Is it `method_decorator(transaction.atomic)`?"""
    return (
        isinstance(decorator, ast.Call)
        and dotted(decorator.func).endswith("method_decorator")
        and any(map(is_atomic, decorator.args))
    )


def suppressed(node: ast.expr) -> bool:
    """Is it `suppress(Exception)`, which swallows what its block raises?"""
    return (
        isinstance(node, ast.Call)
        and dotted(node.func).endswith("suppress")
        and any(map(is_broad, node.args))
    )


def is_broad(caught: ast.expr | None) -> bool:
    kinds = listed(caught) if caught else []
    return not kinds or any(dotted(each).rpartition(".")[2] in BROAD for each in kinds)


def calls_in(body: list[ast.stmt]) -> tuple[str, ...]:
    calls = (each for part in body for each in ast.walk(part) if isinstance(each, ast.Call))
    return tuple(filter(None, (dotted(each.func) for each in calls)))


def raises(handler: ast.ExceptHandler) -> bool:
    return any(
        isinstance(node, ast.Raise)
        or (isinstance(node, ast.Call) and dotted(node.func).endswith("set_rollback"))
        for node in ast.walk(handler)
    )


def led_to(value: ast.expr) -> ast.expr | None:
    """The target of a relation: the first argument or `to`; if it is not a call, the value."""
    if not isinstance(value, ast.Call):
        return value
    named = (each.value for each in value.keywords if each.arg == "to")
    return value.args[0] if value.args else next(named, None)


def listed(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.List | ast.Tuple) else [node]


def text_of(node: ast.AST | None, keys: bool = False) -> str:
    """A string, also one joined from parts or from a list; a name is prefixed with `=`.

    For a dict: its values, and with `keys` its keys too.
    """
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return sound(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) or "{}" for part in node.values)
    if isinstance(node, ast.BinOp):
        return (text_of(node.left) + text_of(node.right)).replace("=", " ")
    if isinstance(node, ast.List | ast.Tuple | ast.Dict):
        parts: list[Any] = node.values if isinstance(node, ast.Dict) else node.elts
        if keys and isinstance(node, ast.Dict):
            parts = [*node.keys, *parts]
        return " ".join(filter(None, map(text_of, parts))).replace("=", " ")
    name = dotted(node.value if isinstance(node, ast.Starred) else node)
    return f"={name}" if name else ""


def sound(text: str) -> str:
    """Replaces halves of surrogate pairs, which Python strings may contain but files cannot."""
    return text.encode(errors="replace").decode()
