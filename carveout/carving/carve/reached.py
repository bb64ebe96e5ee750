"""Finds what a function calls, and whether that stops its caller."""

import ast
from collections.abc import Iterator

from carveout.carving.carve.reads import function_in
from carveout.carving.survey.dangers.call_graph import Callgraph
from carveout.carving.survey.facts import Call
from carveout.carving.survey.sources import SourceFile

ANY = 1000
ANSWERS = {
    *("Http404", "PermissionDenied", "ValidationError", "SuspiciousOperation", "BadRequest"),
    *("APIException", "NotFound", "NotAuthenticated", "AuthenticationFailed", "ParseError"),
    *("MethodNotAllowed", "NotAcceptable", "UnsupportedMediaType", "Throttled"),
}
"""Exceptions of Django and Django REST framework that answer the request."""


def reached(graph: Callgraph, function: str, depth: int = ANY) -> Iterator[tuple[SourceFile, str]]:
    """A function and those that it calls: the file, and the name in it."""
    seen: set[str] = set()
    waiting = [(function, depth)]
    while waiting:
        name, left = waiting.pop()
        source = graph.sources.by_module.get(graph.sources.module_of(name))
        if name in seen or source is None:
            continue
        seen.add(name)
        inside = name.removeprefix(f"{source.facts.module}.")
        yield source, inside
        for call in calls_in(source, inside) if left else ():
            waiting.append((graph.called(source, call), left - 1))


def calls_in(source: SourceFile, scope: str) -> Iterator[Call]:
    yield from (call for call in source.facts.calls if call.place.scope == scope)


def answer(graph: Callgraph, function: str) -> str:
    """The line, and what is raised there to answer the request, by the function or one that it
    calls; empty if nothing is."""
    for source, inside in reached(graph, function, depth=1):
        for each in ast.walk(function_in(source, inside) or ast.Pass()):
            if isinstance(each, ast.Raise) and each.exc is not None:
                raised = each.exc.func if isinstance(each.exc, ast.Call) else each.exc
                name = ast.unparse(raised).rpartition(".")[2]
                if name in ANSWERS:
                    return f"{source.file}:{each.lineno} raises {name}"
    return ""


def only_locks(node: ast.FunctionDef) -> bool:
    """Is `select_for_update` all that a function does?"""
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    return bool(body) and all(map(_locks, body))


def _locks(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr | ast.Return) and any(
        isinstance(each, ast.Attribute) and each.attr == "select_for_update"
        for each in ast.walk(statement)
    )
