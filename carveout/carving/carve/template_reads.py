"""Follows objects through Django templates, and finds which fields are read."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from django.template import TemplateDoesNotExist, TemplateSyntaxError, engines
from django.template.backends.django import DjangoTemplates
from django.template.base import FilterExpression, Node, NodeList, Variable
from django.template.defaulttags import ForNode, WithNode
from django.template.loader_tags import ExtendsNode, IncludeNode
from django.template.smartif import TokenBase

from carveout.carving.carve.fields import MANAGER, ROW, ROWS, Place, Unread, take
from carveout.carving.carve.problem import Problem

Known = dict[str, Place]


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """The names of all templates that are files."""
    found = []
    for engine in engines.all():
        for folder in map(Path, getattr(engine, "template_dirs", ())):
            files = folder.rglob("*") if folder.is_dir() else ()
            found += [each.relative_to(folder).as_posix() for each in files if each.is_file()]
    return tuple(dict.fromkeys(found))


def _engine() -> DjangoTemplates | None:
    return next((each for each in engines.all() if isinstance(each, DjangoTemplates)), None)


def follow(name: str, given: Known, problems: list[Problem]) -> None:
    """Record what a template reads of these objects."""
    engine = _engine()
    if engine is None or not given:
        return
    try:
        template = engine.get_template(name).template
    except (TemplateDoesNotExist, TemplateSyntaxError, UnicodeDecodeError) as error:
        problems.append(Problem(name, 1, f"the template can't be read: {error}"))
        return
    _Template(template, problems, (name,)).walk(template.nodelist, dict(given))


class _Template:
    def __init__(self, template: Any, problems: list[Problem], inside: tuple[str, ...]) -> None:
        self.problems, self.inside = problems, inside
        path = Path(str(template.origin.name))
        here = Path.cwd()
        self.file = path.relative_to(here).as_posix() if path.is_relative_to(here) else str(path)

    def walk(self, nodes: NodeList, known: Known) -> None:
        for node in nodes:
            self.node(node, known)

    def node(self, node: Node, known: Known) -> None:
        if isinstance(node, ForNode):
            found = self.place(cast("FilterExpression", node.sequence), known, node)
            inner = dict(known)
            for name in node.loopvars:
                inner.pop(name, None)
            if found and found.kind == ROWS and len(node.loopvars) == 1:
                inner[node.loopvars[0]] = found.of_kind(ROW)
            elif found:
                self.problem(node, "it loops over what is not all rows of a relation")
            self.walk(cast("NodeList", node.nodelist_loop), inner)
            self.walk(cast("NodeList", node.nodelist_empty), known)
            return
        if isinstance(node, WithNode):
            self.walk(node.nodelist, known | self.added(node.extra_context, known, node))
            return
        if isinstance(node, IncludeNode):
            inner = self.added(node.extra_context, known, node)
            self.include(node, inner if node.isolated_context else known | inner)
            return
        if isinstance(node, ExtendsNode):
            self.include(node, known)
        for each in vars(node).values():
            self.value(each, known, node)

    def value(self, value: Any, known: Known, node: Node) -> None:
        """Anything in a node that may use a variable."""
        if isinstance(value, FilterExpression):
            found = self.place(value, known, node)
            if found and found.kind == ROW:
                self.problem(node, f"it shows a whole {found.model.__name__}")
        elif isinstance(value, NodeList):
            self.walk(value, known)
        elif isinstance(value, TokenBase):
            for each in (value.first, value.second, getattr(value, "value", None)):
                self.value(_Test(each) if isinstance(each, FilterExpression) else each, known, node)
        elif isinstance(value, _Test):
            self.place(value.expression, known, node)
        elif isinstance(value, dict):
            for each in value.values():
                self.value(each, known, node)
        elif isinstance(value, list | tuple):
            for each in value:
                self.value(each, known, node)

    def include(self, node: Any, known: Known) -> None:
        expression = getattr(node, "template", None) or getattr(node, "parent_name", None)
        name = getattr(expression, "var", None)
        if not isinstance(name, str):
            if known:
                self.problem(node, "the name of the template that it includes is not known")
            return
        engine = _engine()
        if engine is None or name in self.inside or not known:
            return
        try:
            template = engine.get_template(name).template
        except TemplateDoesNotExist:
            self.problem(node, f"there is no template {name}")
            return
        _Template(template, self.problems, (*self.inside, name)).walk(template.nodelist, known)

    def added(self, given: dict[str, FilterExpression], known: Known, node: Node) -> Known:
        found = {name: self.place(each, known, node) for name, each in given.items()}
        return {name: place for name, place in found.items() if place}

    def place(self, expression: FilterExpression, known: Known, node: Node) -> Place | None:
        """The object that an expression is. A value is recorded."""
        for variable in self.arguments(expression):
            self.steps(variable, known, node)
        if not isinstance(expression.var, Variable):
            return None
        return self.steps(expression.var, known, node)

    def arguments(self, expression: FilterExpression) -> Iterator[Variable]:
        for _, arguments in expression.filters:
            yield from (each for is_variable, each in arguments if is_variable)

    def steps(self, variable: Variable, known: Known, node: Node) -> Place | None:
        first, *rest = variable.lookups or ("",)
        at = known.get(first)
        for each in rest if at else ():
            if at is None:
                return None
            if at.kind == MANAGER and each == "all":
                at = at.of_kind(ROWS)
                continue
            try:
                at = take(at, each)
            except Unread as error:
                self.problem(node, str(error))
                return None
        return at

    def problem(self, node: Any, text: str) -> None:
        line = getattr(getattr(node, "token", None), "lineno", 0)
        found = Problem(self.file, line, text, "use a value of it, or pass one to the template")
        if found not in self.problems:
            self.problems.append(found)


class _Test:
    """An expression of which only its truth is used."""

    def __init__(self, expression: FilterExpression) -> None:
        self.expression = expression
