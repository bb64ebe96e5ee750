"""Reads the facts of one file from its syntax tree, in one walk."""

import ast
import re
import warnings
from collections.abc import Iterable
from typing import Any

import msgspec

from carveout.carving.survey.expressions import (
    calls_in,
    chains_of,
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
from carveout.carving.survey.facts import (
    AT_ONCE,
    FOR_TYPES,
    IN_FUNCTION,
    Call,
    Chain,
    Definition,
    Facts,
    Held,
    Import,
    Pair,
    Scope,
    Swallow,
    Text,
    Word,
)
from carveout.carving.survey.query_words import ADDING, ASKING, adds, asked, put_at, words_of

SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|ALTER|DROP|TRUNCATE|MERGE)\b", re.I)
QUERYING = {
    *("filter", "exclude", "get", "annotate", "alias", "aggregate", "order_by", "update"),
    *("values", "values_list", "prefetch_related", "aget", "aaggregate", "aupdate", "in_bulk"),
    *("get_or_create", "update_or_create", "get_object_or_404", "get_list_or_404"),
}
"""Calls whose arguments, expressions included, refer to the rows that they query."""


def read(source: bytes, module: str, package: bool, alias: str = "") -> Facts:
    """The facts of one file. `alias` is a prefix that imports may have, as in `shop.orders.models`.

    Raises: SyntaxError, ValueError: it is not valid Python for this interpreter.
    """
    walk = _FactsWalk(module, package, alias)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the project's style; as errors they'd hide the file
        tree = ast.parse(source)
    walk.alone.update(tree.body)
    walk.through(tree.body, Scope())
    walk.drop_unused()
    return walk.facts


class _FactsWalk:
    def __init__(self, module: str, package: bool, alias: str) -> None:
        self.alias = alias
        self.facts = Facts(module)
        self.package = module if package else module.rpartition(".")[0]
        self.until = 0
        self.returned: list[str] = []
        self.alone: set[ast.AST] = set()
        """Statements directly in a function's block, which no condition can skip."""

    def through(self, nodes: Iterable[ast.AST], place: Scope) -> None:
        for node in nodes:
            self.visit(node, place)

    def visit(self, node: ast.AST, place: Scope) -> None:
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method:
            method(node, place)
        else:
            self.through(ast.iter_child_nodes(node), place)

    # -- Imports -------------------------------------------------------------------------------

    def _import(self, node: ast.Import, place: Scope) -> None:
        for alias in node.names:
            name = alias.name.removeprefix(self.alias)
            self.facts.imports.append(Import(name, "", node.lineno, place))
            first = alias.name.partition(".")[0]
            self.facts.names[alias.asname or first] = name if alias.asname else first

    def _importfrom(self, node: ast.ImportFrom, place: Scope) -> None:
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

    def _if(self, node: ast.If, place: Scope) -> None:
        self.visit(node.test, place)
        types = dotted(node.test).endswith("TYPE_CHECKING")
        self.through(node.body, _changed(place, level=FOR_TYPES) if types else place)
        self.through(node.orelse, place)

    # -- Definitions ---------------------------------------------------------------------------

    def _classdef(self, node: ast.ClassDef, place: Scope) -> None:
        around = _changed(place, scope=_qualified(node.name, place))
        self.through([*node.decorator_list, *node.bases], around)
        bases = tuple(filter(None, map(dotted, node.bases)))
        self.through(node.keywords, _changed(around, within=bases[0] if bases else ""))
        scope = self._define(node.name, place, Definition(node.lineno, bases=bases))
        self.facts.classes.add(scope)
        self.through(node.body, _changed(place, scope=scope, within=""))

    def _functiondef(self, node: Any, place: Scope) -> None:
        self.through(node.decorator_list, _changed(place, scope=_qualified(node.name, place)))
        lines = {
            dotted(argument): each.lineno
            for each in node.decorator_list
            if isinstance(each, ast.Call) and dotted(each.func).endswith("receiver") and each.args
            for argument in listed(each.args[0])
        }
        scope = self._define(
            node.name, place, Definition(node.lineno, function=True, receiver_lines=lines)
        )
        atomic = any(is_atomic(each) or makes_atomic(each) for each in node.decorator_list)
        level = FOR_TYPES if place.level == FOR_TYPES else IN_FUNCTION
        inner = Scope(scope=scope, level=level, atomic=atomic)
        self._parameters(node.args, inner, place)
        self.visit(node.args, _changed(place, scope=scope, within=""))
        if node.returns:
            self.visit(node.returns, place)
        around, self.until = self.until, 0
        self.alone.update(node.body)
        self.returned.append(f"{place.names}:{node.name}()")
        self.through(node.body, inner)
        self.returned.pop()
        self.until = around

    _asyncfunctiondef = _functiondef

    def _define(self, name: str, place: Scope, definition: Definition) -> str:
        qualified = _qualified(name, place)
        self.facts.definitions.setdefault(qualified, definition)
        if not place.scope:
            self.facts.names[name] = f"{self.facts.module}.{name}"
        return qualified

    def _assign(self, node: ast.Assign, place: Scope) -> None:
        for target in node.targets:
            self._hold(target, node.value, node, place, node in self.alone)
            self._assigned(target, node.value, node.lineno, place)

    def _annassign(self, node: ast.AnnAssign, place: Scope) -> None:
        self.visit(node.annotation, place)
        if node.value:
            self._hold(node.target, node.value, node, place, node in self.alone)
            self._assigned(node.target, node.value, node.lineno, place)
        else:
            self._define(dotted(node.target), place, Definition(node.lineno))

    def _augassign(self, node: ast.AugAssign, place: Scope) -> None:
        self._hold(node.target, node.value, node, place)
        self._assigned(node.target, node.value, node.lineno, place)

    def _assigned(self, target: ast.expr, value: ast.expr, line: int, place: Scope) -> None:
        name, given = dotted(target), dotted(value)
        inside = place
        if name and place.level != IN_FUNCTION:
            self._define(name, place, Definition(line, given, text_of(led_to(value))))
            inside = _changed(place, assigned=f"{place.scope}.{name}".lstrip("."))
        if not isinstance(target, ast.Subscript):  # a value in a dict is not the dict
            self._note(name, value, place)
        if place.level == IN_FUNCTION:
            self._put(target, value, name, place)
        text = text_of(value, keys=True)
        if name and text and not text.startswith("="):
            self.facts.strings[f"{place.scope}:{name}"] = Text(text, line, place)
        self.visit(value, inside)

    def _put(self, target: ast.expr, value: ast.expr, name: str, place: Scope) -> None:
        """Notes what a template's context holds: `context["order"] = order`."""
        held = dict(chains_of([value]))
        if isinstance(target, ast.Subscript):
            held = {text_of(target.slice): dotted(value)}
        if name and any(held.values()):
            self.facts.contexts.setdefault(f"{place.scope}:{name}", {}).update(held)

    def _namedexpr(self, node: ast.NamedExpr, place: Scope) -> None:
        self._hold(node.target, node.value, node, place)
        self._assigned(node.target, node.value, node.lineno, place)

    def _note(self, name: str, value: ast.AST, place: Scope) -> None:
        """Notes what a variable is; `rows = rows.filter()` adds nothing new."""
        given = rows_of(value)
        if name and given and given.partition(".")[0] != name:
            self.facts.variables[f"{place.scope}:{name}"] = given
            if not place.scope and loads_model(value):
                self.facts.names[name] = given

    def _for(self, node: ast.For, place: Scope) -> None:
        self._note(dotted(node.target), node.iter, place)
        self._hold_each(node.target, node.iter, node, place)
        self._loop(node, place)

    _asyncfor = _for

    def _loop(self, node: ast.For | ast.While, place: Scope) -> None:
        around, self.until = self.until, self.until or node.end_lineno or 0
        self.through(ast.iter_child_nodes(node), place)
        self.until = around

    _while = _loop

    def _comprehension(self, node: ast.comprehension, place: Scope) -> None:
        self._note(dotted(node.target), node.iter, place)
        around, self.until = self.until, AT_ONCE
        self._hold_each(node.target, node.iter, node.iter, place)
        self.until = around
        self.through(ast.iter_child_nodes(node), place)

    def _arg(self, node: ast.arg, place: Scope) -> None:
        if node.annotation:
            self._note(node.arg, node.annotation, place)
            self.visit(node.annotation, place)

    # -- What variables hold -------------------------------------------------------------------

    def _parameters(self, node: ast.arguments, inner: Scope, place: Scope) -> None:
        """Notes parameters: they hide outer names, and hold only their defaults."""
        for each in (*node.posonlyargs, *node.args, *node.kwonlyargs, node.vararg, node.kwarg):
            if each:
                self.facts.held.setdefault(f"{inner.names}:{each.arg}", [])
        given = zip(
            reversed([*node.posonlyargs, *node.args]), reversed(node.defaults), strict=False
        )
        for parameter, default in (*given, *zip(node.kwonlyargs, node.kw_defaults, strict=True)):
            words = tuple(words_of(default))
            names = place if any(each.variable for each in words) else inner
            held = Held(words, (default or parameter).lineno, names, 0)
            self.facts.held[f"{inner.names}:{parameter.arg}"].append(held)

    def _return(self, node: ast.Return, place: Scope) -> None:
        if node.value and self.returned:
            held = self.facts.held.setdefault(self.returned[-1], [])
            held.append(Held(tuple(words_of(node.value)), node.lineno, place, 0))
        self.through(ast.iter_child_nodes(node), place)

    def _hold(
        self,
        target: ast.expr,
        value: ast.expr,
        at: ast.stmt | ast.expr,
        place: Scope,
        alone: bool = False,
    ) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            values = [value] * len(target.elts)
            if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(values):
                values = value.elts
            for each, given in zip(target.elts, values, strict=True):
                self._hold(each, given, at, place, alone)
        elif isinstance(target, ast.Subscript):
            self._keep(dotted(target.value), put_at(target.slice, value), at, place)
        else:
            self._keep(dotted(target), words_of(value), at, place, alone)

    def _hold_each(
        self, target: ast.expr, of: ast.expr, at: ast.stmt | ast.expr, place: Scope
    ) -> None:
        """Notes what a loop's variable holds; for `w.items()`, the keys and the values."""
        items = isinstance(of, ast.Call) and getattr(of.func, "attr", "") == "items"
        if items and isinstance(target, ast.Tuple) and len(target.elts) == 2:
            key, one = target.elts
            self._hold(key, of, at, place)
            self._hold(one, ast.Subscript(of, ast.Constant(0)), at, place)
        else:
            self._hold(target, of, at, place)

    def _keep(
        self, name: str, words: Iterable[Word], at: ast.AST, place: Scope, alone: bool = False
    ) -> None:
        if name:
            line = getattr(at, "lineno", 0)
            inside = place
            if place.level != IN_FUNCTION:
                inside = _changed(place, assigned=f"{place.scope}.{name}".lstrip("."))
            held = self.facts.held.setdefault(f"{place.names}:{name}", [])
            held.append(Held(tuple(words), line, inside, self.until, alone))

    def drop_unused(self) -> None:
        """Drops variables that no query in this file is given, and that no other file can use."""
        held = self.facts.held
        by_name: dict[str, list[Held]] = {}
        for key, several in held.items():
            by_name.setdefault(key.partition(":")[2], []).extend(several)
        used: set[str] = set()
        further = {word.variable for call in self.facts.calls for word in call.words}
        while further:
            used |= further
            several = [each for name in further for each in by_name.get(_own(name), ())]
            further = {word.variable for each in several for word in each.words} - used
        used = {_own(name) for name in used}
        for key, several in list(held.items()):
            scope, _, name = key.partition(":")
            inside = scope and not scope.endswith(".")
            if (inside and name not in used) or not (inside or any(each.words for each in several)):
                del held[key]

    # -- Uses ----------------------------------------------------------------------------------

    def _call(self, node: ast.Call, place: Scope, alone: bool = False) -> None:
        name = dotted(node.func) or "?"
        arguments = tuple(text_of(each) for each in node.args)
        keywords = dict(keywords_of(node))
        line = node.func.end_lineno or node.lineno  # the method's line, not where the chain begins
        last = name.rpartition(".")[2]
        asks = last in ASKING or (place.queried and last[:1].isupper())
        words = asked(node, last) if asks else ()
        context = dict(chains_of([*node.args, *(each.value for each in node.keywords)]))
        call = Call(name, line, place, arguments, keywords, alone, words, self.until, context)
        self.facts.calls.append(call)
        if last in ADDING and isinstance(node.func, ast.Attribute):
            self._keep(dotted(node.func.value), adds(node), node, place)
        if isinstance(node.func, ast.Attribute):
            self._inner(node.func.value, place)
        elif not isinstance(node.func, ast.Name):
            self.visit(node.func, place)
        queried = name if name.rpartition(".")[2] in QUERYING else place.queried
        inside = _changed(place, within=name, queried=queried)
        self.through([*node.args, *(each.value for each in node.keywords)], inside)

    def _attribute(self, node: ast.Attribute, place: Scope) -> None:
        name = dotted(node)
        if name:
            self.facts.chains.append(Chain(name, node.lineno, place))
        self._inner(node.value, place)

    def _inner(self, node: ast.AST, place: Scope) -> None:
        """Visits what an attribute belongs to, without noting the shorter chains too."""
        while isinstance(node, ast.Attribute):
            node = node.value
        if not isinstance(node, ast.Name):
            self.visit(node, place)

    def _subscript(self, node: ast.Subscript, place: Scope) -> None:
        self.visit(node.value, place)
        name = dotted(node.value)
        inside = _changed(place, within=f"{name}.__getitem__") if name else place
        self.visit(node.slice, inside)

    def _name(self, node: ast.Name, place: Scope) -> None:
        if isinstance(node.ctx, ast.Load):
            self.facts.bare.add((place.scope, node.id))

    def _constant(self, node: ast.Constant, place: Scope) -> None:
        value = node.value
        if isinstance(value, str) and len(value) < 200 and is_name(value):
            self.facts.texts.append(Text(value, node.lineno, place))
        elif isinstance(value, str) and SQL.match(value):
            self.facts.statements.append(Text(sound(value), node.lineno, place))

    def _joinedstr(self, node: ast.JoinedStr, place: Scope) -> None:
        text = text_of(node)
        if SQL.match(text):
            self.facts.statements.append(Text(text, node.lineno, place))
        self.through((each for each in node.values if not isinstance(each, ast.Constant)), place)

    def _tuple(self, node: ast.Tuple, place: Scope) -> None:
        if place.assigned and len(node.elts) == 2:
            first, second = map(text_of, node.elts)
            self.facts.pairs.append(Pair(first, second, node.lineno, place.assigned))
        self.through(node.elts, place)

    def _expr(self, node: ast.Expr, place: Scope) -> None:
        if isinstance(node.value, ast.Call):
            self._call(node.value, place, alone=True)
        elif not isinstance(node.value, ast.Constant):  # else a docstring
            self.visit(node.value, place)

    # -- Transactions --------------------------------------------------------------------------

    def _with(self, node: ast.With, place: Scope) -> None:
        self.through(node.items, place)
        opens = any(is_atomic(each.context_expr) for each in node.items)
        if opens:
            self.facts.ends.setdefault(place.scope, node.end_lineno or node.lineno)
        if not opens and place.scope and any(suppressed(each.context_expr) for each in node.items):
            self.facts.swallows.append(Swallow(node.lineno, place, calls_in(node.body)))
        atomic = place.atomic or opens
        self.through(node.body, _changed(place, atomic=atomic))

    def _try(self, node: ast.Try, place: Scope) -> None:
        nested = any(
            isinstance(each, ast.With) and any(is_atomic(item.context_expr) for item in each.items)
            for each in node.body
        )  # a savepoint rolls back what fails
        for handler in node.handlers:
            if place.scope and not nested and is_broad(handler.type) and not raises(handler):
                self.facts.swallows.append(Swallow(handler.lineno, place, calls_in(node.body)))
        self.through(ast.iter_child_nodes(node), place)


def _own(name: str) -> str:
    return name.replace("cls.", "self.", 1) if name.startswith("cls.") else name


def _qualified(name: str, place: Scope) -> str:
    return f"{place.scope}.{name}" if place.scope else name


def _changed(place: Scope, **changes: Any) -> Scope:
    return msgspec.structs.replace(place, **changes)
