"""Lists the project's views: the functions that answer requests, from its URLs."""

from collections.abc import Iterator
from typing import Any

from carveout.carving.survey.sources import Sources
from carveout.carving.survey.url_modules import guarded, root_patterns, walk

BY_HAND = "_non_atomic_requests"
"""The attribute that Django's decorator non_atomic_requests sets on a view."""


def views(sources: Sources) -> set[str]:
    """Dotted names of first-party views and of the methods of view classes.

    Views that are exempt from ATOMIC_REQUESTS are left out.
    """
    project = sources.project
    found: set[str] = set()
    for each, _ in walk(root_patterns(project), project):
        with guarded(each, project):
            if not hasattr(each.callback, BY_HAND):
                found.update(_names(_plain(each.callback)))
    return set(_with_methods(found, sources))


def _names(callback: Any) -> Iterator[str]:
    view = getattr(callback, "view_class", None) or getattr(callback, "cls", None)
    for owner in view.__mro__ if view else [callback]:
        yield f"{owner.__module__}.{getattr(owner, '__qualname__', '')}"


def _with_methods(names: set[str], sources: Sources) -> Iterator[str]:
    for source in sources:
        for scope in source.facts.definitions:
            holder = scope.rpartition(".")[0]
            if {f"{source.facts.module}.{each}" for each in (scope, holder) if each} & names:
                yield f"{source.facts.module}.{scope}"


def _plain(callback: Any) -> Any:
    """The function under its decorators; a class-based view stays as it is."""
    while not hasattr(callback, "view_class") and hasattr(callback, "__wrapped__"):
        callback = callback.__wrapped__
    return callback
