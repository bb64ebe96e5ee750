"""Hosting: what of the project runs in this deployment."""

from importlib.util import find_spec
from typing import Any

from django.urls import include, path

from carveout.conf import get_settings


def hosted_urls() -> list[Any]:
    """The `urls` of every app of the hosted contexts, each with prefixes of its own."""
    settings = get_settings()
    apps = [app for name in settings.hosted for app in settings.contexts[name].apps]
    return [path("", include(f"{app}.urls")) for app in apps if find_spec(f"{app}.urls")]
