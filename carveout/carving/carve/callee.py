"""The function that is carved: its parameters, and how a call fills them."""

import ast
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import libcst as cst
from django.db.models import Model

from carveout.carving.survey.sources import SourceFile, Sources


class Parameter(NamedTuple):
    name: str
    annotation: str = ""
    default: str = ""
    keyword_only: bool = False


class MethodClass(NamedTuple):
    """The class of the object whose method is carved."""

    name: str
    """Its full dotted name."""
    model: type[Model] | None = None
    """The model, if the object is a row; otherwise the object is made without arguments."""
    parameter: str = ""
    """The name under which a row is passed on."""


class Callee(NamedTuple):
    """A function or method of a context."""

    name: str
    """Its full dotted name."""
    source: SourceFile
    context: str
    node: ast.FunctionDef
    parameters: tuple[Parameter, ...]
    """If its object is a row, that row comes first."""
    holder: MethodClass | None = None
    """For a method of an object."""
    short: str = ""
    """What its seam and its subscriber are called, if not as the function."""

    @property
    def function(self) -> str:
        return self.short or self.node.name

    @property
    def method(self) -> str:
        """The name under which it is called."""
        return self.node.name

    @property
    def inside(self) -> str:
        """Its name inside its module, with its class if it has one."""
        return self.name.removeprefix(f"{self.source.facts.module}.")

    @property
    def seam(self) -> str:
        return f"{self.context}.{self.function}"

    def row_of(self, bound: Mapping[str, cst.BaseExpression]) -> cst.BaseExpression | None:
        """The row whose method a call runs, if it is one. bound: what the call passes."""
        return bound.get(self.holder.parameter) if self.holder else None

    def parameter(self, name: str) -> Parameter | None:
        return next((each for each in self.parameters if each.name == name), None)


class Unbound(Exception):
    """A call does not show which argument is which."""


def callee_of(
    name: str,
    source: SourceFile,
    context: str,
    node: ast.FunctionDef,
    holder: MethodClass | None = None,
) -> Callee:
    """holder: for a method of an object. Raises: Unbound: its parameters can't be listed."""
    given = node.args
    if given.vararg or given.kwarg:
        raise Unbound("it takes * or ** arguments, so a call does not show what it passes")
    positional = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(positional) - len(given.defaults)) + [*given.defaults]
    parameters = [
        _parameter(source, each, default)
        for each, default in zip(positional, defaults, strict=True)
    ]
    parameters += [
        _parameter(source, each, default)._replace(keyword_only=True)
        for each, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
    ]
    if is_method(name, source) and "staticmethod" not in decorated(node):
        parameters = parameters[1:]
    if holder and holder.model:
        parameters = [Parameter(holder.parameter), *parameters]
    return Callee(name, source, context, node, tuple(parameters), holder)


def canonical(sources: Sources, name: str, steps: int = 4) -> str:
    """Where a function or method is defined that may be re-exported, also by `import *`."""
    home = sources.module_of(name)
    first, dot, rest = name[len(home) + 1 :].partition(".")
    name = f"{sources.origin(f'{home}.{first}')}{dot}{rest}" if home and first else name
    module = sources.module_of(name)
    if module in ("", name) or sources.defined(name)[1] is not None:
        return name
    for each in sources.by_module[module].facts.imports if steps else ():
        if each.name == "*":
            further = f"{each.module}{name.removeprefix(module)}"
            found = canonical(sources, further, steps - 1)
            if sources.defined(found)[1] is not None:
                return found
    return name


def bind(
    callee: Callee, function: cst.BaseExpression, arguments: Sequence[cst.Arg]
) -> dict[str, cst.BaseExpression]:
    """The expressions that a call passes, by parameter, in the order of the call.

    function: what is called, such as `badge.award`, where the row is an argument too.

    Raises: Unbound: it unpacks * or ** arguments, or passes what the function does not take.
    """
    free = [each.name for each in callee.parameters if not each.keyword_only]
    bound: dict[str, cst.BaseExpression] = {}
    if callee.holder and callee.holder.model:
        if not isinstance(function, cst.Attribute):
            raise Unbound("its object is not shown")
        bound[free.pop(0)] = function.value
    for position, argument in enumerate(arguments):
        if argument.star:
            raise Unbound(f"it unpacks {argument.star} arguments, so what it passes is not shown")
        if argument.keyword is None and position >= len(free):
            raise Unbound(f"it passes more arguments than {callee.method} takes")
        name = argument.keyword.value if argument.keyword else free[position]
        if callee.parameter(name) is None:
            raise Unbound(f"{callee.method} has no parameter {name!r}")
        bound[name] = argument.value
    return bound


def _parameter(source: SourceFile, argument: ast.arg, default: ast.expr | None) -> Parameter:
    annotation = argument.annotation
    text = annotation.value if isinstance(annotation, ast.Constant) else annotation
    return Parameter(
        argument.arg,
        text if isinstance(text, str) else ast.unparse(text) if isinstance(text, ast.AST) else "",
        (ast.get_source_segment(source.text, default) or "") if default else "",
    )


def is_method(name: str, source: SourceFile) -> bool:
    inside = name.removeprefix(f"{source.facts.module}.")
    return inside.rpartition(".")[0] in source.facts.classes


def decorated(node: ast.FunctionDef) -> set[str]:
    return {each.id for each in node.decorator_list if isinstance(each, ast.Name)}
