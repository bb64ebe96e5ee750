"""Reading: the facts of one file from its syntax tree, in one walk."""

import ast
import re
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from carveout.survey.facts import (
    FOR_TYPES,
    IN_FUNCTION,
    LOADED,
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
DOTTED = re.compile(r"^[A-Za-z_]\w*([.:][A-Za-z_]\w*)+(\.\*)?$")
QUERYING = {
    *("filter", "exclude", "get", "annotate", "alias", "aggregate", "order_by", "update"),
    *("values", "values_list", "prefetch_related", "aget", "aaggregate", "aupdate", "in_bulk"),
    *("get_or_create", "update_or_create", "get_object_or_404", "get_list_or_404"),
}
"""Calls whose arguments, expressions and all, speak of the rows that are asked for."""
PAGE = re.compile(r"^[\w.-]+(:[\w.-]+)+$")
"""The name of a page in a namespace."""
OR_404 = {"get_object_or_404()", "get_list_or_404()"}
BROAD = {"Exception", "BaseException", "DatabaseError", "IntegrityError", "OperationalError"}


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


def is_name(text: str) -> bool:
    """May it name a module, a model or a page?"""
    return bool(DOTTED.match(text) or PAGE.match(text))


def dotted(node: ast.AST | None) -> str:
    """`a.b().c` for such an expression; empty for any other."""
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
            for argument in _listed(each.args[0])
        }
        scope = self._define(node.name, place, Definition(node.lineno, receiver_lines=lines))
        atomic = any(_is_atomic(each) or _makes_atomic(each) for each in node.decorator_list)
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
            self._define(name, place, Definition(line, given, _given(_target(value))))
            inside = _changed(place, assigned=f"{place.scope}.{name}".lstrip("."))
        if not isinstance(target, ast.Subscript):  # what a dict holds is not the dict
            self._note(name, value, place)
        text = _given(value, keys=True)
        if name and text and not text.startswith("="):
            self.facts.strings[f"{place.scope}:{name}"] = Text(text, line, place)
        self.visit(value, inside)

    def _note(self, name: str, value: ast.AST, place: Place) -> None:
        """Remember what a variable is; `rows = rows.filter()` says nothing new."""
        given = _rows_of(value)
        if name and given and given.partition(".")[0] != name:
            self.facts.variables[f"{place.scope}:{name}"] = given
            if not place.scope and _loads_model(value):
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
        arguments = tuple(_given(each) for each in node.args)
        keywords = dict(_keywords(node))
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
        self.visit(node, place)

    def _constant(self, node: ast.Constant, place: Place) -> None:
        value = node.value
        if isinstance(value, str) and len(value) < 200 and is_name(value):
            self.facts.texts.append(Text(value, node.lineno, place))
        elif isinstance(value, str) and SQL.match(value):
            self.facts.statements.append(Text(_sound(value), node.lineno, place))

    def _joinedstr(self, node: ast.JoinedStr, place: Place) -> None:
        text = _given(node)
        if SQL.match(text):
            self.facts.statements.append(Text(text, node.lineno, place))
        self.through((each for each in node.values if not isinstance(each, ast.Constant)), place)

    def _tuple(self, node: ast.Tuple, place: Place) -> None:
        if place.assigned and len(node.elts) == 2:
            first, second = map(_given, node.elts)
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
        opens = any(_is_atomic(each.context_expr) for each in node.items)
        if opens:
            self.facts.ends.setdefault(place.scope, node.end_lineno or node.lineno)
        if not opens and place.scope and any(_suppressed(each.context_expr) for each in node.items):
            self.facts.swallows.append(Swallow(node.lineno, place, _called(node.body)))
        atomic = place.atomic or opens
        self.through(node.body, _changed(place, atomic=atomic))

    def _try(self, node: ast.Try, place: Place) -> None:
        nested = any(
            isinstance(each, ast.With) and any(_is_atomic(item.context_expr) for item in each.items)
            for each in node.body
        )  # a savepoint: what fails is rolled back
        for handler in node.handlers:
            if place.scope and not nested and _is_broad(handler.type) and not _raises(handler):
                self.facts.swallows.append(Swallow(handler.lineno, place, _called(node.body)))
        self.through(ast.iter_child_nodes(node), place)


def _rows_of(value: ast.AST) -> str:
    """A chain, also one that stands in a string as an annotation, or `get_object_or_404(Order)`."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return value.value if DOTTED.match(f"_.{value.value}") else ""
    name = dotted(value)
    if isinstance(value, ast.Call) and name in OR_404 and value.args:
        return f"{dotted(value.args[0])}.objects.get()"
    if isinstance(value, ast.Call) and _loads_model(value):
        label = ".".join(_given(each) for each in value.args[:2])
        return f"{LOADED}{label}" if DOTTED.match(label) else name
    return name


def _loads_model(value: ast.AST) -> bool:
    name = dotted(value).rpartition(".")[2]
    return isinstance(value, ast.Call) and name in ("get_model()", "get_user_model()")


def _keywords(node: ast.Call) -> Iterator[tuple[str, str]]:
    """Also those of a dict that is written out: `**{"order__paid": True}`."""
    for each in node.keywords:
        if each.arg:
            yield each.arg, _given(each.value)
        elif isinstance(each.value, ast.Dict):
            for key, value in zip(each.value.keys, each.value.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value, _given(value)


def _qualified(name: str, place: Place) -> str:
    return f"{place.scope}.{name}" if place.scope else name


def _changed(place: Place, **changes: Any) -> Place:
    return msgspec.structs.replace(place, **changes)


def _is_atomic(node: ast.AST) -> bool:
    return dotted(node).removesuffix("()").rpartition(".")[2] == "atomic"


def _makes_atomic(decorator: ast.expr) -> bool:
    """`method_decorator(transaction.atomic)`."""
    return (
        isinstance(decorator, ast.Call)
        and dotted(decorator.func).endswith("method_decorator")
        and any(map(_is_atomic, decorator.args))
    )


def _suppressed(node: ast.expr) -> bool:
    """`suppress(Exception)`, which swallows what is raised below it."""
    return (
        isinstance(node, ast.Call)
        and dotted(node.func).endswith("suppress")
        and any(map(_is_broad, node.args))
    )


def _is_broad(caught: ast.expr | None) -> bool:
    kinds = _listed(caught) if caught else []
    return not kinds or any(dotted(each).rpartition(".")[2] in BROAD for each in kinds)


def _called(body: list[ast.stmt]) -> tuple[str, ...]:
    calls = (each for part in body for each in ast.walk(part) if isinstance(each, ast.Call))
    return tuple(filter(None, (dotted(each.func) for each in calls)))


def _raises(handler: ast.ExceptHandler) -> bool:
    return any(
        isinstance(node, ast.Raise)
        or (isinstance(node, ast.Call) and dotted(node.func).endswith("set_rollback"))
        for node in ast.walk(handler)
    )


def _target(value: ast.expr) -> ast.expr | None:
    """What a relation leads to: the first argument or `to`; of what is no call, the value."""
    if not isinstance(value, ast.Call):
        return value
    named = (each.value for each in value.keywords if each.arg == "to")
    return value.args[0] if value.args else next(named, None)


def _listed(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.List | ast.Tuple) else [node]


def _given(node: ast.AST | None, keys: bool = False) -> str:
    """A string as it is, also of parts or several in a list; a name with = before it.

    Of a dict its values, and with `keys` these too.
    """
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _sound(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_given(part) or "{}" for part in node.values)
    if isinstance(node, ast.BinOp):
        return (_given(node.left) + _given(node.right)).replace("=", " ")
    if isinstance(node, ast.List | ast.Tuple | ast.Dict):
        parts: list[Any] = node.values if isinstance(node, ast.Dict) else node.elts
        if keys and isinstance(node, ast.Dict):
            parts = [*node.keys, *parts]
        return " ".join(filter(None, map(_given, parts))).replace("=", " ")
    name = dotted(node.value if isinstance(node, ast.Starred) else node)
    return f"={name}" if name else ""


def _sound(text: str) -> str:
    """Without halves of surrogate pairs, which Python has in strings and no file can hold."""
    return text.encode(errors="replace").decode()
