"""The function that is carved: its parameters, and how a call fills them."""

import ast
from collections.abc import Sequence
from typing import NamedTuple

import libcst as cst

from carveout.carving.survey.sources import SourceFile


class Parameter(NamedTuple):
    name: str
    annotation: str = ""
    default: str = ""
    keyword_only: bool = False


class Callee(NamedTuple):
    """A function, static method or class method of a context."""

    name: str
    """Its full dotted name."""
    source: SourceFile
    context: str
    node: ast.FunctionDef
    parameters: tuple[Parameter, ...]

    @property
    def function(self) -> str:
        return self.node.name

    @property
    def inside(self) -> str:
        """Its name inside its module, with its class if it has one."""
        return self.name.removeprefix(f"{self.source.facts.module}.")

    @property
    def seam(self) -> str:
        return f"{self.context}.{self.function}"

    def parameter(self, name: str) -> Parameter | None:
        return next((each for each in self.parameters if each.name == name), None)


class Unbound(Exception):
    """A call does not show which argument is which."""


def callee_of(name: str, source: SourceFile, context: str, node: ast.FunctionDef) -> Callee:
    """Raises: Unbound: its parameters can't be listed."""
    given = node.args
    if given.vararg or given.kwarg:
        raise Unbound("it takes * or ** arguments, so a call does not show what it passes")
    positional = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(positional) - len(given.defaults)) + [*given.defaults]
    parameters = [
        _parameter(each, default) for each, default in zip(positional, defaults, strict=True)
    ]
    parameters += [
        _parameter(each, default)._replace(keyword_only=True)
        for each, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
    ]
    if _is_method(name, source):
        if not _decorated(node) & {"staticmethod", "classmethod"}:
            raise Unbound("it is a method of an object, which a subscriber does not have")
        if "classmethod" in _decorated(node):
            parameters = parameters[1:]
    return Callee(name, source, context, node, tuple(parameters))


def bind(callee: Callee, arguments: Sequence[cst.Arg]) -> dict[str, cst.BaseExpression]:
    """The expressions that a call passes, by parameter, in the order of the call.

    Raises: Unbound: it unpacks * or ** arguments, or passes what the function does not take.
    """
    free = [each.name for each in callee.parameters if not each.keyword_only]
    bound: dict[str, cst.BaseExpression] = {}
    for position, argument in enumerate(arguments):
        if argument.star:
            raise Unbound(f"it unpacks {argument.star} arguments, so what it passes is not shown")
        if argument.keyword is None and position >= len(free):
            raise Unbound(f"it passes more arguments than {callee.function} takes")
        name = argument.keyword.value if argument.keyword else free[position]
        if callee.parameter(name) is None:
            raise Unbound(f"{callee.function} has no parameter {name!r}")
        bound[name] = argument.value
    return bound


def _parameter(argument: ast.arg, default: ast.expr | None) -> Parameter:
    annotation = argument.annotation
    text = annotation.value if isinstance(annotation, ast.Constant) else annotation
    return Parameter(
        argument.arg,
        text if isinstance(text, str) else ast.unparse(text) if isinstance(text, ast.AST) else "",
        ast.unparse(default) if default else "",
    )


def _is_method(name: str, source: SourceFile) -> bool:
    inside = name.removeprefix(f"{source.facts.module}.")
    return inside.rpartition(".")[0] in source.facts.classes


def _decorated(node: ast.FunctionDef) -> set[str]:
    return {each.id for each in node.decorator_list if isinstance(each, ast.Name)}
