"""Finds what a method changes of its object."""

import ast
from collections.abc import Iterator

from carveout.carving.carve.reads import function_in
from carveout.carving.survey.sources import SourceFile


def unsaved(source: SourceFile, inside: str, is_row: bool) -> str:
    """The attributes that a method sets, itself or by other methods of its class; empty if it saves
    its object too. is_row: only a row can be saved."""
    names: set[str] = set()
    for node in _run(source, inside):
        names |= {target.attr for target in _set(node, _self(node))}
        if is_row and any(_calls(node, f"{_self(node)}.save")):
            return ""
    return ", ".join(sorted(names))


def attributes(source: SourceFile, inside: str) -> set[str]:
    """All attributes that a method sets of its object."""
    return {target.attr for node in _run(source, inside) for target in _set(node, _self(node))}


def _run(source: SourceFile, inside: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """A method, and the methods of its class that it calls on its object."""
    holder, seen, waiting = inside.rpartition(".")[0], set(), [inside]
    while waiting:
        name = waiting.pop()
        node = function_in(source, name) if name not in seen else None
        seen.add(name)
        if node is not None:
            yield node
            called = {each.rpartition(".") for each in _calls(node, "")}
            waiting += [f"{holder}.{last}" for before, _, last in called if before == _self(node)]


def _self(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    given = [*node.args.posonlyargs, *node.args.args]
    return given[0].arg if given else ""


def _set(node: ast.AST, name: str) -> Iterator[ast.Attribute]:
    for each in ast.walk(node):
        match each:
            case ast.Attribute(value=ast.Name(id=holder), ctx=ast.Store()) if holder == name:
                yield each


def _calls(node: ast.AST, name: str) -> Iterator[str]:
    """The dotted names that are called; name: only these, if it is not empty."""
    for each in ast.walk(node):
        if isinstance(each, ast.Call):
            called = ast.unparse(each.func)
            if name in ("", called):
                yield called
