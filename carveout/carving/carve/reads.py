"""Follows an object through a function and what it calls, and finds which fields are read.

An object that is stored as a foreign key is stored by its id afterwards: that works for a row and
for what was looked up.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import lru_cache
from typing import Any, NamedTuple, TypeGuard, cast

from django.core.exceptions import FieldDoesNotExist
from django.db import models

from carveout.carving.carve import template_reads
from carveout.carving.carve.fields import (
    MANAGER,
    ROW,
    ROWS,
    Leaf,
    Place,
    Unread,
    column_of,
    step,
    take,
)
from carveout.carving.carve.problem import Problem
from carveout.carving.carve.row_edits import Edit, IdPassed, Widened
from carveout.carving.survey.dangers.call_graph import Callgraph
from carveout.carving.survey.expressions import dotted
from carveout.carving.survey.kinds.template_contexts import RENDERING
from carveout.carving.survey.sources import SourceFile

QUERIES = {
    *("create", "get_or_create", "update_or_create", "filter", "exclude", "get", "update"),
}
"""Methods of managers and querysets whose keywords are fields."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Reading:
    """What was found on the way."""

    graph: Callgraph
    context: str
    """The context of the function that is carved."""
    suffix: str
    """What the names of its readers end with, such as `ToTell`."""
    problems: list[Problem] = field(default_factory=list)
    edits: set[Edit] = field(default_factory=set)
    seen: set[tuple[str, tuple[tuple[str, Place], ...]]] = field(default_factory=set)

    def follow(self, source: SourceFile, inside: str, given: dict[str, Place]) -> None:
        """Follow these arguments through a function. inside: its name in its file."""
        known = (f"{source.facts.module}.{inside}", tuple(sorted(given.items(), key=str)))
        node = function_in(source, inside)
        if known in self.seen or node is None:
            return
        self.seen.add(known)
        self._widen(source, node, given)
        walk = _Function(self, source, inside, dict(given))
        for statement in node.body:
            walk.visit(statement)

    def _widen(self, source: SourceFile, node: Function, given: dict[str, Place]) -> None:
        """Let annotations say that these arguments may be what was looked up."""
        project = self.graph.sources.project
        if project.context_of(source.app) != self.context:
            return
        for each in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]:
            place = given.get(each.arg)
            if place is None or place.kind != ROW or each.annotation is None:
                continue
            home = project.apps[source.app].module
            reader = f"{place.model.__name__}{self.suffix}"
            at = each.annotation
            self.edits.add(
                Widened(source.file, at.lineno, at.col_offset, reader, f"{home}.lookups")
            )


_tree = lru_cache(maxsize=64)(ast.parse)


def function_in(source: SourceFile, inside: str) -> Function | None:
    """The function of this name in a file: `tell`, or `Teller.tell`."""
    at: ast.AST = _tree(source.text)
    for name in inside.split("."):
        found = [
            each
            for each in ast.walk(at)
            if isinstance(each, Function | ast.ClassDef) and each.name == name
        ]
        if not found:
            return None
        at = found[0]
    return at if isinstance(at, Function) else None


class Called(NamedTuple):
    """A function that is called: its file, and its name in it."""

    source: SourceFile
    inside: str
    parameters: list[str]
    """Those that positions lead to, without `self`."""

    def parameter(self, key: str | int) -> str:
        """The parameter of an argument, by keyword or position; empty if it is not known."""
        if isinstance(key, str):
            return key if key != "**" else ""
        return self.parameters[key] if key < len(self.parameters) else ""


def function_called(graph: Callgraph, source: SourceFile, name: str, scope: str) -> Called | None:
    """The function that a dotted name in this scope calls; None if it can't be followed."""
    target = graph.named(source, name, scope) if name else ""
    module = graph.sources.module_of(target)
    home = graph.sources.by_module.get(module)
    inside = target.removeprefix(f"{module}.")
    function = function_in(home, inside) if home and inside != target else None
    if home is None or function is None:
        return None
    names = [each.arg for each in [*function.args.posonlyargs, *function.args.args]]
    return Called(home, inside, names[1:] if names[:1] in (["self"], ["cls"]) else names)


class _Function(ast.NodeVisitor):
    def __init__(
        self, reading: Reading, source: SourceFile, scope: str, known: dict[str, Place]
    ) -> None:
        self.reading, self.source, self.scope, self.known = reading, source, scope, known

    # -- Expressions ---------------------------------------------------------------------------

    def place(self, node: ast.AST) -> Place | None:
        """The object that an expression is; None if it is not one of ours. Values are recorded."""
        if isinstance(node, ast.Name):
            return self.known.get(node.id)
        if _is_all(node):
            rows = self.place(node.func.value)
            return rows.of_kind(ROWS) if rows and rows.kind == MANAGER else None
        if isinstance(node, ast.Attribute):
            before = self.place(node.value)
            if before is None:
                return None
            try:
                return take(before, node.attr)
            except Unread as error:
                self._problem(node, str(error))
        return None

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.Name | ast.Attribute):
            self._use(node)
        else:
            super().visit(node)

    def _use(self, node: ast.Name | ast.Attribute) -> None:
        """An object, as a whole, where only values can be followed."""
        if isinstance(node.ctx, ast.Store | ast.Del):
            base = node.value if isinstance(node, ast.Attribute) else None
            if base is not None and self.place(base):
                self._problem(node, f"it changes {ast.unparse(node)}")
            return
        if not self._roots(node):
            self.generic_visit(node)
        elif found := self.place(node):
            self._problem(node, f"it uses `{ast.unparse(node)}`, a whole {_name(found)}")

    def _roots(self, node: ast.AST) -> bool:
        while isinstance(node, ast.Attribute):
            node = node.value
        return isinstance(node, ast.Name) and node.id in self.known

    def visit_Compare(self, node: ast.Compare) -> None:
        if all(isinstance(each, ast.Is | ast.IsNot) for each in node.ops):
            self.place(node.left)
            return
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        if not self.place(node.test):
            self.visit(node.test)
        for each in [*node.body, *node.orelse]:
            self.visit(each)

    # -- Statements ----------------------------------------------------------------------------

    def visit_Assign(self, node: ast.Assign) -> None:
        found = self.place(node.value) if isinstance(node.value, ast.expr) else None
        name = node.targets[0]
        if found and len(node.targets) == 1 and isinstance(name, ast.Name):
            self.known[name.id] = found
            return
        if not (isinstance(node.value, ast.Attribute) and self._roots(node.value) and not found):
            self.visit(node.value)
        for each in node.targets:
            self.visit(each)
            if isinstance(each, ast.Name):
                self.known.pop(each.id, None)

    def visit_For(self, node: ast.For) -> None:
        self._loop(node.iter, node.target)
        for each in [*node.body, *node.orelse]:
            self.visit(each)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        for each in node.generators:
            self._loop(each.iter, each.target)
            for condition in each.ifs:
                self.visit(condition)
        self.visit(node.elt)

    visit_SetComp = visit_GeneratorExp = visit_ListComp  # type: ignore[assignment]  # noqa: N815

    def _loop(self, rows: ast.expr, target: ast.expr) -> None:
        found = self.place(rows)
        if found is None:
            self.visit(rows)
        elif found.kind == ROWS and isinstance(target, ast.Name):
            self.known[target.id] = found.of_kind(ROW)
        else:
            self._problem(rows, f"it loops over `{ast.unparse(rows)}`")

    # -- Calls ---------------------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> None:
        if self._is_method(node):
            return
        self.visit(node.func)
        name = dotted(node.func)
        given = list(self._given(node))
        passed = {id(value): place for _, value, place in given}
        if name.rpartition(".")[2] in RENDERING:
            self._render(node)
        elif given and not self._followed(node, name, given):
            for keyword, value, place in given:
                if not self._stored(node, name, keyword, value, place):
                    self._problem(
                        value,
                        f"it passes `{ast.unparse(value)}` to `{name or '?'}`, which is not"
                        " followed",
                    )
        for argument in [*node.args, *(each.value for each in node.keywords)]:
            is_context = name.rpartition(".")[2] in RENDERING and isinstance(argument, ast.Dict)
            if id(argument) not in passed and not is_context:
                self.visit(argument)

    def _is_method(self, node: ast.Call) -> bool:
        """Is it a call of a method of one of our objects? Only a list of all rows is followed."""
        if not isinstance(node.func, ast.Attribute) or not self._roots(node.func):
            return False
        found = self.place(node)
        if found is None and (before := self.place(node.func.value)) is not None:
            if before.kind == MANAGER:
                text = f"it calls `{ast.unparse(node.func)}()`, a query that a lookup can't answer"
                self._problem(node, text)
            elif before.kind == ROW:
                self.place(node.func)
        for argument in [*node.args, *(each.value for each in node.keywords)]:
            self.visit(argument)
        return True

    def _given(self, node: ast.Call) -> Iterator[tuple[str | int, ast.expr, Place]]:
        """The arguments that are our objects, by position or keyword."""
        arguments: list[tuple[str | int, ast.expr]] = [*enumerate(node.args)]
        arguments += [(each.arg or "**", each.value) for each in node.keywords]
        for key, value in arguments:
            found = self.place(value) if self._begins(value) else None
            if found:
                yield key, value, found

    def _begins(self, node: ast.AST) -> bool:
        while isinstance(node, ast.Attribute | ast.Call):
            node = node.func if isinstance(node, ast.Call) else node.value
        return isinstance(node, ast.Name) and node.id in self.known

    def _followed(
        self, node: ast.Call, name: str, given: list[tuple[str | int, ast.expr, Place]]
    ) -> bool:
        called = function_called(self.reading.graph, self.source, name, self.scope)
        if called is None:
            return False
        bound = {}
        for key, _, place in given:
            parameter = called.parameter(key)
            if not parameter:
                return False
            bound[parameter] = place
        self.reading.follow(called.source, called.inside, bound)
        return True

    def _stored(
        self, node: ast.Call, name: str, keyword: str | int, value: ast.expr, place: Place
    ) -> bool:
        """Is a row passed to a query as a foreign key? Then its id can be passed instead."""
        model = self._queried(name)
        if model is None or not isinstance(keyword, str) or place.kind != ROW:
            return False
        try:
            key = model._meta.get_field(keyword)
        except FieldDoesNotExist:
            return False
        if not isinstance(key, models.ForeignKey):
            return False
        column = column_of(place)
        attribute = key.target_field.attname
        if column:
            place.before().record(column, _leaf_of(place.before(), column))
        else:
            place.record(attribute, _leaf_of(place, attribute))
        self.reading.edits.add(
            IdPassed(
                self.source.file,
                value.lineno,
                value.col_offset,
                key.attname,
                column or attribute,
                place.steps[-1][0] if column else "",
            )
        )
        return True

    def _queried(self, name: str) -> type[models.Model] | None:
        """The model whose manager, or class, is called."""
        before, _, last = name.rpartition(".")
        holder = before.partition(".objects")[0] if last in QUERIES else name
        graph = self.reading.graph
        resolved = graph.sources.origin(self.source.facts.resolve(holder, self.scope))
        return graph.rows.models.by_class.get(resolved)

    def _render(self, node: ast.Call) -> None:
        """Follow what a template is given, in every template that the name may be."""
        context = next((each for each in node.args if isinstance(each, ast.Dict)), None)
        given = (
            {
                str(key.value): place
                for key, value in zip(context.keys, context.values, strict=True)
                if isinstance(key, ast.Constant) and (place := self.place(value))
            }
            if context
            else {}
        )
        if context is None:
            for _, value, _ in self._given(node):
                self._problem(value, f"it passes `{ast.unparse(value)}` to a template")
            return
        for value in context.values:
            if not (isinstance(value, ast.Name | ast.Attribute) and self._roots(value)):
                self.visit(value)
        names = [pattern for each in node.args if (pattern := _pattern(each))]
        if given and not names:
            self._problem(node, "the template's name is not known")
        for name in template_reads.names():
            if names and fnmatch(name, names[0]):
                template_reads.follow(name, given, self.reading.problems)

    def _problem(self, node: ast.AST, text: str) -> None:
        line = getattr(node, "lineno", 0)
        problem = Problem(self.source.file, line, text, "pass or store only values, such as its id")
        if problem not in self.reading.problems:
            self.reading.problems.append(problem)


def _is_all(node: ast.AST) -> TypeGuard[Any]:
    """Is it a call of `all()` without arguments?"""
    if not isinstance(node, ast.Call) or node.args or node.keywords:
        return False
    return isinstance(node.func, ast.Attribute) and node.func.attr == "all"


def _leaf_of(place: Place, name: str) -> Leaf:
    return cast("Leaf", step(place, name))  # it is a column


def _name(place: Place) -> str:
    return place.model.__name__


def _pattern(node: ast.expr) -> str:
    """The name of a template as a pattern: what is filled in becomes `*`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(each.value) if isinstance(each, ast.Constant) else "*" for each in node.values
        )
    return ""
