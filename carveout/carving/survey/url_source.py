"""Reads the lists of patterns in the source of a URL module, without running it.

They are nested as they would be, since that gives their names the namespaces. What only running it
would show is left out, or put into a namespace that no reference has: it stays unresolved, and is
never taken for something else.
"""

import ast
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from django.urls import URLResolver

from carveout.carving.survey.expressions import chain, dotted
from carveout.carving.survey.facts import Facts
from carveout.carving.survey.unread import attributes
from carveout.carving.survey.url_conditions import has_its_imports, known
from carveout.carving.survey.url_values import (
    UNKNOWN,
    Values,
    held,
    loaded,
    page,
    resolver,
    stand_in,
)

PATHS = {"path", "re_path", "url"}
GROWING = ("append", "extend", "insert")
DECORATORS = (
    "django.contrib.admin.views.decorators.",
    "django.contrib.auth.decorators.",
    "django.views.decorators.",
)
"""What these make of a view has the view's module and name."""


def read(source: bytes, facts: Facts) -> Values:
    """What the names of a module hold, `urlpatterns` and perhaps `app_name` among them.

    The modules that it includes have to be loaded; others are left out.
    """
    tree = ast.parse(source)
    reading = _Reading(facts)
    reading.through(tree.body)
    names = {*reading.values, "urlpatterns", "app_name"}
    found = {name: reading.named(name) for name in names}
    listed = found["urlpatterns"] if isinstance(found["urlpatterns"], list) else []
    found["urlpatterns"] = [*listed, *reading.elsewhere(tree)]
    if "app_name" in reading.values and not isinstance(found["app_name"], str):
        found["app_name"] = UNKNOWN
    return {name: value for name, value in found.items() if value is not None}


class _Reading:
    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.values: Values = {}
        self.functions: dict[str, ast.FunctionDef] = {}
        self.placed: set[ast.AST] = set()
        """The calls of `include` whose place is known, and what never runs."""
        self.sure = True
        """It certainly runs, and once."""
        self.returned: list[Any] = []
        self.calling: set[str] = set()
        self._over = False

    # -- Statements ----------------------------------------------------------------------------

    def through(self, body: Iterable[ast.stmt]) -> None:
        for node in body:
            if self._over:
                self._skip([node])
            else:
                self._statement(node)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign(targets, value):
                for target in targets:
                    self._assign(target, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._assign(target, value)
            case ast.AugAssign(target=ast.Name(name), value=value):
                self._add(name, self.value(value))
            case ast.Expr(ast.Call(ast.Attribute(ast.Name(name), method), args)):
                if method in GROWING:
                    self._add(name, self._listed(args))
            case ast.FunctionDef(name):
                self.values.pop(name, None)
                self.functions[name] = node
            case ast.Import() | ast.ImportFrom():
                self._import(node)
            case ast.Return(ast.expr() as value):
                self.returned.append(self.value(value))
                self._over = self.sure
            case _:
                self._block(node)

    def _block(self, node: ast.stmt) -> None:
        match node:
            case ast.If(test, body, orelse):
                self._branch(known(test, self.facts), body, orelse)
            case ast.Try(body, handlers, orelse, finalbody):
                handled = [each for handler in handlers for each in handler.body]
                self._branch(has_its_imports(body), [*body, *orelse], handled)
                self.through(finalbody)
            case ast.With(body=body):
                self.through(body)
            case ast.For(target, given, body):
                self._assign(target, given)
                self._branch(None, body, [])
            case ast.While(body=body):
                self._branch(None, body, [])

    def _branch(self, taken: bool | None, body: list[ast.stmt], orelse: list[ast.stmt]) -> None:
        """Reads the branch that runs; both of them if that is not known."""
        with self._sure_if(taken is not None):
            for branch, runs in ((body, taken is not False), (orelse, not taken)):
                if runs:
                    self.through(branch)
                else:
                    self._skip(branch)

    @contextmanager
    def _sure_if(self, sure: bool) -> Iterator[None]:
        before, self.sure = self.sure, self.sure and sure
        yield
        self.sure = before

    def _skip(self, nodes: Iterable[ast.AST]) -> None:
        self.placed.update(each for node in nodes for each in ast.walk(node))

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            self.values.pop((alias.asname or alias.name).partition(".")[0], None)
        for each in self.facts.imports:
            if each.name == "*" and each.line == node.lineno:
                public = [*attributes(sys.modules.get(each.module)).items()]
                self.values |= {name: held(value) for name, value in public if name[:1] != "_"}

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        match target, value:
            case ast.Name(name), _:
                self._put(name, self.value(value))
            case ast.Tuple(targets), ast.Tuple(values) if len(targets) == len(values):
                for each, given in zip(targets, values, strict=True):
                    self._assign(each, given)
            case ast.Tuple(targets), _:
                self.values |= {each.id: None for each in targets if isinstance(each, ast.Name)}

    def _put(self, name: str, value: Any) -> None:
        before = self.values.get(name)
        if self.sure or name not in self.values:
            self.values[name] = value
        elif isinstance(before, list) and isinstance(value, list):
            self.values[name] = [*before, *value]
        elif not isinstance(before, str) or before != value:
            self.values[name] = None

    def _add(self, name: str, added: Any) -> None:
        before = self.named(name)
        if isinstance(before, list):
            before.extend(added if isinstance(added, list) else ())  # in place: others may hold it
            self.values[name] = before
        else:
            self.values[name] = added if isinstance(added, list) else None

    # -- Expressions ---------------------------------------------------------------------------

    def value(self, node: ast.expr | None) -> Any:
        """What an expression gives, as in Values; an empty text for None and for nothing."""
        match node:
            case None | ast.Constant(None):
                return ""
            case ast.Constant(str() as text):
                return text
            case ast.Name() | ast.Attribute():
                return self.named(chain(node))
            case ast.Call():
                return self._made(node)
            case ast.Tuple([pages, *names]) if self._are_namespaces(names):
                return (_listed_if_known(self.value(pages)), *map(self._text, names))
            case ast.List(parts) | ast.Tuple(parts):
                return self._listed(parts)
            case ast.Starred(inner):
                return self.value(inner)
            case ast.BinOp(left, ast.Add(), right):
                return _joined([self.value(left), self.value(right)])
            case ast.IfExp(test, body, orelse):
                return self._either(known(test, self.facts), body, orelse)
            case ast.ListComp(element, generators) | ast.GeneratorExp(element, generators):
                return self._each(element, generators)
        return None

    def named(self, name: str) -> Any:
        """What a name of the module holds; None too if it is not known."""
        first = name.partition(".")[0]
        if first in self.values:
            return self.values.get(name)
        return held(loaded(self.facts.resolve(name))) if first in self.facts.names else None

    def _text(self, node: ast.expr | None) -> str:
        text = self.value(node)
        return text if isinstance(text, str) else UNKNOWN

    def _are_namespaces(self, nodes: list[ast.expr]) -> bool:
        """As in `(patterns, "orders")`; else it is a tuple of patterns."""
        few = 1 <= len(nodes) <= 2
        return few and not any(isinstance(self.value(each), list) for each in nodes)

    def _listed(self, nodes: Iterable[ast.expr]) -> list[Any]:
        """The patterns of all these expressions."""
        values = map(self.value, nodes)
        return [each for value in values if isinstance(value, list) for each in value]

    def _either(self, taken: bool | None, body: ast.expr, orelse: ast.expr) -> Any:
        if taken is not None:
            self._skip([orelse if taken else body])
            return self.value(body if taken else orelse)
        with self._sure_if(False):
            first, second = self.value(body), self.value(orelse)
        if isinstance(first, str) and isinstance(second, str):
            return first if first == second else None
        return _joined([first, second])

    def _each(self, element: ast.expr, generators: list[ast.comprehension]) -> list[Any]:
        around = self.values.copy()
        with self._sure_if(False):
            for each in generators:
                self._assign(each.target, each.iter)
            found = self._listed([element])
        self.values = around
        return found

    # -- Calls ---------------------------------------------------------------------------------

    def _made(self, node: ast.Call) -> Any:
        function = self.functions.get(dotted(node.func))
        if function:
            return self._returned(function, node)
        if self._last(node) in PATHS:
            return self._path(node)
        return self._included(node) if self._includes(node) else self._passed(node)

    def _called(self, node: ast.Call) -> str:
        return self.facts.resolve(dotted(node.func))

    def _last(self, node: ast.Call) -> str:
        return self._called(node).rpartition(".")[2]

    def _includes(self, node: ast.Call) -> bool:
        return self._last(node) == "include"

    def _passed(self, node: ast.Call) -> Any:
        """What a function makes of patterns; one that has a text too may give them a namespace."""
        of = [node.func.value] if isinstance(node.func, ast.Attribute) else []
        values = [self.value(each) for each in (*of, *node.args, *_values(node.keywords))]
        given = _joined([[], *values])
        if not given:
            return next(((each[0], UNKNOWN, UNKNOWN) for each in values if _leads_on(each)), None)
        if self._last(node) == "i18n_patterns":
            return [resolver(given)]
        named = any(isinstance(each, str) and each for each in values)
        return [resolver(given, UNKNOWN)] if named else given

    def _returned(self, function: ast.FunctionDef, node: ast.Call) -> Any:
        """What a function of this module returns."""
        if function.name in self.calling:
            return None
        inner = _Reading(self.facts)
        inner.functions, inner.placed, inner.sure = self.functions, self.placed, self.sure
        inner.calling = {*self.calling, function.name}
        inner.values = self.values | self._arguments(function.args, node)
        inner.through(function.body)
        several = len(inner.returned) > 1
        return _joined([[], *inner.returned]) if several else next(iter(inner.returned), None)

    def _arguments(self, parameters: ast.arguments, node: ast.Call) -> Values:
        names = [each.arg for each in (*parameters.posonlyargs, *parameters.args)]
        values: Values = dict.fromkeys([*names, *(each.arg for each in parameters.kwonlyargs)])
        values |= zip(names, map(self.value, node.args), strict=False)
        if parameters.vararg:
            values[parameters.vararg.arg] = self._listed(node.args[len(names) :])
        return values | {each.arg: self.value(each.value) for each in node.keywords if each.arg}

    def _path(self, node: ast.Call) -> list[Any]:
        """What `path` makes; a page only if it certainly does."""
        view = _argument(node, 1, "view")
        value = self.value(view)
        if isinstance(value, tuple):
            pages, app_name, namespace = [*value, UNKNOWN][:3]
            return [resolver(pages, app_name, namespace)] if _leads_on(value) else []
        if not view or not self.sure:
            return []
        name = self.value(_argument(node, 3, "name"))
        return [page(name if isinstance(name, str) else "", self._view(view))]

    def _view(self, node: ast.expr) -> Any:
        match node:
            case ast.Call(args=[view]) if self._called(node).startswith(DECORATORS):
                return self._view(view)
            case ast.Call(ast.Attribute(of, "as_view")):
                return stand_in(self.facts.resolve(chain(of)), of_class=True)
        return stand_in(self.facts.resolve(chain(node)), of_class=False)

    def _included(self, node: ast.Call) -> tuple[Any, str, str]:
        """What `include` returns: a list or module, and its namespaces."""
        pages, app_name = self.value(_argument(node, 0, "arg")), ""
        if isinstance(pages, tuple):
            pages, app_name = pages[:2]
        if isinstance(pages, str):
            pages = sys.modules.get(pages)
        if not isinstance(pages, list | ModuleType):
            return [], UNKNOWN, UNKNOWN
        self.placed.add(node)
        app_name = attributes(pages).get("app_name", app_name)
        return pages, app_name, self._text(_argument(node, 1, "namespace")) or app_name

    def elsewhere(self, tree: ast.Module) -> Iterator[URLResolver]:
        """What is included at a place that is not known, such as in a class."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node not in self.placed and self._includes(node):
                value = self._included(node)
                if _leads_on(value):
                    yield resolver(value[0], UNKNOWN)


def _listed_if_known(pages: Any) -> Any:
    return [] if pages is None else pages


def _leads_on(value: Any) -> bool:
    return isinstance(value, tuple) and isinstance(value[0], list | ModuleType)


def _joined(values: list[Any]) -> Any:
    """All patterns of the lists among these values, the sum of texts, or None."""
    if all(isinstance(each, str) for each in values):
        return "".join(values)
    lists = [each for each in values if isinstance(each, list)]
    return [each for one in lists for each in one] if lists else None


def _argument(node: ast.Call, position: int, keyword: str) -> ast.expr | None:
    named = (each.value for each in node.keywords if each.arg == keyword)
    return node.args[position] if position < len(node.args) else next(named, None)


def _values(keywords: list[ast.keyword]) -> list[ast.expr]:
    return [each.value for each in keywords]
