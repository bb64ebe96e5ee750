"""Tells what names of loaded URL modules hold, and makes what stands for a view or an `include`."""

import sys
from contextlib import suppress
from functools import partial
from operator import attrgetter
from types import ModuleType
from typing import Any

from django.urls import URLPattern, URLResolver
from django.urls.resolvers import RoutePattern

from carveout.carving.survey.unread import attributes

UNKNOWN = "?"
"""A namespace that no reference has: what it holds is taken for nothing else."""
Pages = list[Any] | ModuleType
Values = dict[str, Any]
"""By name: a list of patterns, a module, a text, a tuple of a list or module and its namespaces as
`include` returns it, or None for anything else."""


def loaded(name: str) -> Any:
    """What a full dotted name leads to, if its module is loaded; else None."""
    module = name
    while module and module not in sys.modules:
        module = module.rpartition(".")[0]
    rest = name.removeprefix(module).strip(".")
    with suppress(Exception):  # the project's own modules may raise anything
        return attrgetter(rest)(sys.modules[module]) if rest else sys.modules[module]
    return None


def held(found: Any) -> Any:
    """A value as in Values; a list is copied, since it belongs to another module."""
    kind = type(found)
    if kind is str or issubclass(kind, ModuleType):
        return found
    if kind is tuple and len(found) in (2, 3) and _are_namespaces(found[1:]):
        return (held(found[0]), *(each or "" for each in found[1:]))
    if issubclass(kind, list | tuple):
        with suppress(Exception):  # a list of the project's own class may raise anything
            return [each for each in found if issubclass(type(each), URLPattern | URLResolver)]
    return None


def _are_namespaces(given: tuple[Any, ...]) -> bool:
    return all(type(each) in (str, type(None)) for each in given)


def resolver(pages: Pages, app_name: str = "", namespace: str = "") -> URLResolver:
    namespace = namespace or app_name
    names = app_name or None, namespace or None
    return URLResolver(RoutePattern(""), pages, None, *names)


def page(name: str, view: Any) -> URLPattern:
    return URLPattern(RoutePattern(""), view, name=name or None)


def stand_in(view: str, of_class: bool) -> Any:
    """A view by its full dotted name; if it is not loaded, what has its module and its name."""
    found = loaded(view) if view else None
    if callable(found) and not of_class:
        return found
    module, _, name = view.rpartition(".")
    stands_for = partial(str)
    vars(stands_for).update(__module__=module, __qualname__=name)
    if isinstance(found, type):  # as Django's as_view does
        vars(stands_for).update(attributes(loaded(f"{view}.dispatch")), view_class=found)
    return stands_for
