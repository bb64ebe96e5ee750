"""Finds what a function changes of its object, or of a row that it takes, and does not save."""

import ast
from collections.abc import Iterator

from django.db.models import Model

from carveout.carving.carve.reads import function_called, function_in
from carveout.carving.survey.dangers.call_graph import Callgraph
from carveout.carving.survey.expressions import dotted
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


def unsaved_row(
    graph: Callgraph, source: SourceFile, inside: str, parameter: str, model: type[Model]
) -> str:
    """The attributes that a function sets of a row that it takes, itself, by functions that it
    passes it to, or by the row's methods; empty if one of them saves the row too."""
    names: set[str] = set()
    seen, waiting = set(), [(source, inside, parameter)]
    while waiting:
        at = source, inside, name = waiting.pop()
        node = function_in(source, inside) if (source.file, inside, name) not in seen else None
        seen.add((source.file, inside, name))
        if node is not None:
            names |= {target.attr for target in _set(node, name)}
            if any(_calls(node, f"{name}.save")):
                return ""
            waiting += _passed_on(graph, *at, node, model)
    return ", ".join(sorted(names))


def _passed_on(
    graph: Callgraph, source: SourceFile, inside: str, name: str, node: ast.AST, model: type[Model]
) -> Iterator[tuple[SourceFile, str, str]]:
    """The functions that a row is passed to, and its methods that are called: each with the name
    of the row there."""
    home = graph.sources.by_module.get(model.__module__)
    for call in ast.walk(node):
        if not isinstance(call, ast.Call):
            continue
        before, _, last = dotted(call.func).rpartition(".")
        method = f"{model.__qualname__}.{last}"
        if before == name and home and (defined := function_in(home, method)):
            yield home, method, _self(defined)
        called = function_called(graph, source, dotted(call.func), inside)
        if called is not None:
            arguments: list[tuple[str | int, ast.expr]] = [*enumerate(call.args)]
            arguments += [(each.arg or "**", each.value) for each in call.keywords]
            for key, value in arguments:
                if isinstance(value, ast.Name) and value.id == name:
                    yield called.source, called.inside, called.parameter(key)


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
