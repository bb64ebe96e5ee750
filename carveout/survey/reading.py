"""Reading: the facts of one file from its syntax tree, in one walk."""

import ast
import re
import warnings
from collections.abc import Iterable
from typing import Any

import msgspec

from carveout.survey.expression import (
    calls_in,
    dotted,
    is_atomic,
    is_broad,
    is_name,
    keywords_of,
    led_to,
    listed,
    loads_model,
    makes_atomic,
    raises,
    rows_of,
    sound,
    suppressed,
    text_of,
)
from carveout.survey.facts import (
    FOR_TYPES,
    IN_FUNCTION,
    Call,
    Chain,
    Definition,
    Facts,
    Import,
    Pair,
    Place,
    Swallow,
    Text,
)

SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|ALTER|DROP|TRUNCATE|MERGE)\b", re.I)
QUERYING = {
    *("filter", "exclude", "get", "annotate", "alias", "aggregate", "order_by", "update"),
    *("values", "values_list", "prefetch_related", "aget", "aaggregate", "aupdate", "in_bulk"),
    *("get_or_create", "update_or_create", "get_object_or_404", "get_list_or_404"),
}
"""Calls whose arguments, expressions and all, speak of the rows that are asked for."""


def read(source: bytes, module: str, package: bool, alias: str = "") -> Facts:
    """`alias` is what imports may say before the name of a module, as in `shop.orders.models`.

    Raises: SyntaxError, ValueError: it is no Python that this interpreter knows.
    """
    walk = _Walk(module, package, alias)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the project's style; as errors they would hide it
        tree = ast.parse(source)
    walk.through(tree.body, Place())
    return walk.facts


class _Walk:
    def __init__(self, module: str, package: bool, alias: str) -> None:
        self.alias = alias
        self.facts = Facts(module)
        self.package = module if package else module.rpartition(".")[0]

    def through(self, nodes: Iterable[ast.AST], place: Place) -> None:
        for node in nodes:
            self.visit(node, place)

    def visit(self, node: ast.AST, place: Place) -> None:
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method:
            method(node, place)
        else:
            self.through(ast.iter_child_nodes(node), place)

    # -- Imports -------------------------------------------------------------------------------

    def _import(self, node: ast.Import, place: Place) -> None:
        for alias in node.names:
            name = alias.name.removeprefix(self.alias)
            self.facts.imports.append(Import(name, "", node.lineno, place))
            first = alias.name.partition(".")[0]
            self.facts.names[alias.asname or first] = name if alias.asname else first

    def _importfrom(self, node: ast.ImportFrom, place: Place) -> None:
        module = self._absolute(node)
        for alias in node.names:
            self.facts.imports.append(Import(module, alias.name, node.lineno, place))
            self.facts.names[alias.asname or alias.name] = f"{module}.{alias.name}"

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return (node.module or "").removeprefix(self.alias)
        parts = self.package.split(".")
        base = ".".join(parts[: len(parts) - node.level + 1])
        return f"{base}.{node.module}" if node.module else base

    def _if(self, node: ast.If, place: Place) -> None:
        self.visit(node.test, place)
        types = dotted(node.test).endswith("TYPE_CHECKING")
        self.through(node.body, _changed(place, level=FOR_TYPES) if types else place)
        self.through(node.orelse, place)

    # -- Definitions ---------------------------------------------------------------------------

    def _classdef(self, node: ast.ClassDef, place: Place) -> None:
        around = _changed(place, scope=_qualified(node.name, place))
        self.through([*node.decorator_list, *node.bases, *node.keywords], around)
        bases = tuple(filter(None, map(dotted, node.bases)))
        scope = self._define(node.name, place, Definition(node.lineno, bases=bases))
        self.through(node.body, _changed(place, scope=scope, within=""))

    def _functiondef(self, node: Any, place: Place) -> None:
        self.through(node.decorator_list, _changed(place, scope=_qualified(node.name, place)))
        lines = {
            dotted(argument): each.lineno
            for each in node.decorator_list
            if isinstance(each, ast.Call) and dotted(each.func).endswith("receiver") and each.args
            for argument in listed(each.args[0])
        }
        scope = self._define(node.name, place, Definition(node.lineno, receiver_lines=lines))
        atomic = any(is_atomic(each) or makes_atomic(each) for each in node.decorator_list)
        level = FOR_TYPES if place.level == FOR_TYPES else IN_FUNCTION
        inner = Place(scope=scope, level=level, atomic=atomic)
        self.visit(node.args, _changed(place, scope=scope, within=""))
        if node.returns:
            self.visit(node.returns, place)
        self.through(node.body, inner)

    _asyncfunctiondef = _functiondef

    def _define(self, name: str, place: Place, definition: Definition) -> str:
        qualified = _qualified(name, place)
        self.facts.definitions.setdefault(qualified, definition)
        if not place.scope:
            self.facts.names[name] = f"{self.facts.module}.{name}"
        return qualified

    def _assign(self, node: ast.Assign, place: Place) -> None:
        for target in node.targets:
            self._assigned(target, node.value, node.lineno, place)

    def _annassign(self, node: ast.AnnAssign, place: Place) -> None:
        self.visit(node.annotation, place)
        if node.value:
            self._assigned(node.target, node.value, node.lineno, place)
        else:
            self._define(dotted(node.target), place, Definition(node.lineno))

    def _augassign(self, node: ast.AugAssign, place: Place) -> None:
        self._assigned(node.target, node.value, node.lineno, place)

    def _assigned(self, target: ast.expr, value: ast.expr, line: int, place: Place) -> None:
        name, given = dotted(target), dotted(value)
        inside = place
        if name and place.level != IN_FUNCTION:
            self._define(name, place, Definition(line, given, text_of(led_to(value))))
            inside = _changed(place, assigned=f"{place.scope}.{name}".lstrip("."))
        if not isinstance(target, ast.Subscript):  # what a dict holds is not the dict
            self._note(name, value, place)
        text = text_of(value, keys=True)
        if name and text and not text.startswith("="):
            self.facts.strings[f"{place.scope}:{name}"] = Text(text, line, place)
        self.visit(value, inside)

    def _note(self, name: str, value: ast.AST, place: Place) -> None:
        """Remember what a variable is; `rows = rows.filter()` says nothing new."""
        given = rows_of(value)
        if name and given and given.partition(".")[0] != name:
            self.facts.variables[f"{place.scope}:{name}"] = given
            if not place.scope and loads_model(value):
                self.facts.names[name] = given

    def _for(self, node: ast.For, place: Place) -> None:
        self._note(dotted(node.target), node.iter, place)
        self.through(ast.iter_child_nodes(node), place)

    def _comprehension(self, node: ast.comprehension, place: Place) -> None:
        self._note(dotted(node.target), node.iter, place)
        self.through(ast.iter_child_nodes(node), place)

    def _arg(self, node: ast.arg, place: Place) -> None:
        if node.annotation:
            self._note(node.arg, node.annotation, place)
            self.visit(node.annotation, place)

    # -- Uses ----------------------------------------------------------------------------------

    def _call(self, node: ast.Call, place: Place, alone: bool = False) -> None:
        name = dotted(node.func) or "?"
        arguments = tuple(text_of(each) for each in node.args)
        keywords = dict(keywords_of(node))
        line = node.func.end_lineno or node.lineno  # of the method, not of where its chain begins
        self.facts.calls.append(Call(name, line, place, arguments, keywords, alone))
        if isinstance(node.func, ast.Attribute):
            self._inner(node.func.value, place)
        elif not isinstance(node.func, ast.Name):
            self.visit(node.func, place)
        queried = name if name.rpartition(".")[2] in QUERYING else place.queried
        inside = _changed(place, within=name, queried=queried)
        self.through([*node.args, *(each.value for each in node.keywords)], inside)

    def _attribute(self, node: ast.Attribute, place: Place) -> None:
        name = dotted(node)
        if name:
            self.facts.chains.append(Chain(name, node.lineno, place))
        self._inner(node.value, place)

    def _inner(self, node: ast.AST, place: Place) -> None:
        """What an attribute is taken of, without telling the shorter chains too."""
        while isinstance(node, ast.Attribute):
            node = node.value
        if not isinstance(node, ast.Name):
            self.visit(node, place)

    def _name(self, node: ast.Name, place: Place) -> None:
        if isinstance(node.ctx, ast.Load):
            self.facts.bare.add((place.scope, node.id))

    def _constant(self, node: ast.Constant, place: Place) -> None:
        value = node.value
        if isinstance(value, str) and len(value) < 200 and is_name(value):
            self.facts.texts.append(Text(value, node.lineno, place))
        elif isinstance(value, str) and SQL.match(value):
            self.facts.statements.append(Text(sound(value), node.lineno, place))

    def _joinedstr(self, node: ast.JoinedStr, place: Place) -> None:
        text = text_of(node)
        if SQL.match(text):
            self.facts.statements.append(Text(text, node.lineno, place))
        self.through((each for each in node.values if not isinstance(each, ast.Constant)), place)

    def _tuple(self, node: ast.Tuple, place: Place) -> None:
        if place.assigned and len(node.elts) == 2:
            first, second = map(text_of, node.elts)
            self.facts.pairs.append(Pair(first, second, node.lineno, place.assigned))
        self.through(node.elts, place)

    def _expr(self, node: ast.Expr, place: Place) -> None:
        if isinstance(node.value, ast.Call):
            self._call(node.value, place, alone=True)
        elif not isinstance(node.value, ast.Constant):  # else a docstring
            self.visit(node.value, place)

    # -- Transactions --------------------------------------------------------------------------

    def _with(self, node: ast.With, place: Place) -> None:
        self.through(node.items, place)
        opens = any(is_atomic(each.context_expr) for each in node.items)
        if opens:
            self.facts.ends.setdefault(place.scope, node.end_lineno or node.lineno)
        if not opens and place.scope and any(suppressed(each.context_expr) for each in node.items):
            self.facts.swallows.append(Swallow(node.lineno, place, calls_in(node.body)))
        atomic = place.atomic or opens
        self.through(node.body, _changed(place, atomic=atomic))

    def _try(self, node: ast.Try, place: Place) -> None:
        nested = any(
            isinstance(each, ast.With) and any(is_atomic(item.context_expr) for item in each.items)
            for each in node.body
        )  # a savepoint: what fails is rolled back
        for handler in node.handlers:
            if place.scope and not nested and is_broad(handler.type) and not raises(handler):
                self.facts.swallows.append(Swallow(handler.lineno, place, calls_in(node.body)))
        self.through(ast.iter_child_nodes(node), place)


def _qualified(name: str, place: Place) -> str:
    return f"{place.scope}.{name}" if place.scope else name


def _changed(place: Place, **changes: Any) -> Place:
    return msgspec.structs.replace(place, **changes)
