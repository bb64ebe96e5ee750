"""Finds which URLs of a library the project has mounted, under any path and namespace."""

import sys
from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings as django_settings
from django.urls import URLPattern, URLResolver, get_resolver


def mounted(module: str) -> bool:
    """Whether the project's URLconf contains this module's `urlpatterns`.

    A module that is not imported is not mounted, and is not imported here.
    """
    if not getattr(django_settings, "ROOT_URLCONF", None):
        return False
    ours = set(_leaves(get_resolver().url_patterns))  # imports the mounted modules
    theirs = getattr(sys.modules.get(module), "urlpatterns", ())
    return not ours.isdisjoint(_leaves(theirs))


def _leaves(patterns: Iterable[Any]) -> Iterator[URLPattern]:
    for each in patterns:
        if isinstance(each, URLResolver):
            yield from _leaves(each.url_patterns)
        else:
            yield each
