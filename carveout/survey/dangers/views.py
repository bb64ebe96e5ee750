"""Views: the functions that answer requests, from the project's URLs."""

from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from carveout.survey.sources import Sources

BY_HAND = "_non_atomic_requests"
"""What Django's decorator non_atomic_requests leaves on a view."""


def views(sources: Sources) -> set[str]:
    """Dotted names of first-party views and of the methods of view classes.

    None of a view that is exempt from ATOMIC_REQUESTS; none at all if the URLs can't be loaded.
    """
    try:
        callbacks = list(_callbacks(get_resolver().url_patterns))
    except Exception:  # whatever the project's own modules raise; it is told with the URLs
        return set()
    found = set()
    for callback in callbacks:
        view = getattr(callback, "view_class", None) or getattr(callback, "cls", None)
        for owner in view.__mro__ if view else [callback]:
            found.add(f"{owner.__module__}.{getattr(owner, '__qualname__', '')}")
    return set(_with_methods(found, sources))


def _with_methods(names: set[str], sources: Sources) -> Iterator[str]:
    for source in sources:
        for scope in source.facts.definitions:
            holder = scope.rpartition(".")[0]
            if {f"{source.facts.module}.{each}" for each in (scope, holder) if each} & names:
                yield f"{source.facts.module}.{scope}"


def _callbacks(patterns: Any) -> Iterator[Any]:
    for each in patterns:
        if isinstance(each, URLResolver):
            yield from _callbacks(each.url_patterns)
        elif isinstance(each, URLPattern) and not hasattr(each.callback, BY_HAND):
            yield _plain(each.callback)


def _plain(callback: Any) -> Any:
    """The function under its decorators; a class-based view is kept."""
    while not hasattr(callback, "view_class") and hasattr(callback, "__wrapped__"):
        callback = callback.__wrapped__
    return callback
