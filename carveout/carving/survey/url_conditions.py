"""Decides conditions in the source of a URL module that only settings and packages decide."""

import ast
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from django.conf import settings as django_settings

from carveout.carving.survey.facts import Facts
from carveout.conf.code_locations import find_module

SETTINGS = "django.conf.settings"


def known(test: ast.expr, facts: Facts) -> bool | None:
    """A condition's value, or None if more than Django's settings decides it."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            value = known(operand, facts)
            return None if value is None else not value
        case ast.BoolOp(op=op, values=values):
            return _combined([known(each, facts) for each in values], isinstance(op, ast.Or))
    with suppress(Exception):  # a missing setting, or one of the project's own class
        return _read(test, facts)
    return None


def _read(test: ast.expr, facts: Facts) -> bool:
    match test:
        case ast.Compare(ast.Constant(item), [ast.In()], [holder]):
            return item in _setting(holder, facts)
        case ast.Compare(ast.Constant(item), [ast.NotIn()], [holder]):
            return item not in _setting(holder, facts)
    return bool(_setting(test, facts))


def _combined(values: list[bool | None], decisive: bool) -> bool | None:
    if decisive in values:
        return decisive
    return None if None in values else not decisive


def _setting(node: ast.expr, facts: Facts) -> Any:
    """The value of `settings.NAME` or of `getattr(settings, "NAME", default)`.

    Raises: AttributeError, ValueError: it is anything else, or there is no such setting.
    """
    match node:
        case ast.Attribute(ast.Name(of), name):
            default: list[Any] = []
        case ast.Call(ast.Name("getattr"), [ast.Name(of), ast.Constant(str() as name), *given]):
            default = [ast.literal_eval(each) for each in given]
        case _:
            raise ValueError(ast.dump(node))
    if facts.resolve(of) != SETTINGS:
        raise ValueError(of)
    return getattr(django_settings, name, *default)


def has_its_imports(body: Iterable[ast.stmt]) -> bool:
    """Whether all packages are there that the block of a `try` imports."""
    names = [each.name for node in body if isinstance(node, ast.Import) for each in node.names]
    names += [
        node.module
        for node in body
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
    ]
    return all(map(find_module, names))
