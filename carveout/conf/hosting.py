"""Helpers for a project's settings and URLs: which of its contexts this deployment runs."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.urls import include, path

from carveout.conf import redis_url, validation
from carveout.conf.context_apps import is_there
from carveout.conf.loading import get_settings
from carveout.conf.settings import embedded_url, hosted_contexts
from carveout.errors import SettingsInvalid

RQ_SERIALIZER = "rq.serializers.JSONSerializer"


def hosted_apps(raw: Mapping[str, Any]) -> list[str]:
    """The Django apps of the hosted contexts, for INSTALLED_APPS.

    Raises: SettingsInvalid: a hosted context is not in CONTEXTS, its apps are no list, or there is
        no such app; or only a part of the contexts is hosted, and one takes modules of an app.
    """
    contexts = raw.get("CONTEXTS", {})
    if validation.hosts_a_part(hosted_contexts(raw), contexts):
        for name, options in contexts.items():
            if isinstance(options.get("modules"), str):
                raise SettingsInvalid(validation.modules_error(name))
            for module in options.get("modules", ()):
                raise SettingsInvalid(validation.module_not_hosted(name, module))
    for name in hosted_contexts(raw):
        if name not in contexts:
            raise SettingsInvalid(validation.unknown(name, contexts, "hosted context"))
        if isinstance(contexts[name].get("apps"), str):
            raise SettingsInvalid(validation.apps_error(name))
        for app in contexts[name].get("apps", ()):
            if not is_there(app):
                raise SettingsInvalid(validation.missing_app(name, app))
    return [app for name in hosted_contexts(raw) for app in contexts[name].get("apps", ())]


def rq_queues(raw: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """RQ_QUEUES for the hosted contexts: one queue each, JSON and never pickles.

    Empty on a cluster: RQ can't use one.
    """
    url = raw.get("JOBS_REDIS_URL") or raw.get("REDIS_URL")
    url = url or embedded_url(Path(raw.get("STATE_DIR", ".carveout")))
    options = redis_url.rq_options(url)
    if options is None:
        return {}
    options["SERIALIZER"] = RQ_SERIALIZER
    return {rq_queue_name(context): dict(options) for context in hosted_contexts(raw)}


def missing_for_jobs() -> str:
    """A missing package that jobs need; empty if none is missing."""
    return next((package for package in ("rq", "django_rq") if not find_spec(package)), "")


def rq_queue_name(context: str) -> str:
    return f"carveout-{context}"


def context_of_queue(name: str) -> str:
    """The context whose queue has this name; any other name as it is."""
    return name.removeprefix("carveout-")


def hosted_urls() -> list[Any]:
    """The `urls` of every app of the hosted contexts, each with its own prefixes."""
    settings = get_settings()
    apps = [app for name in settings.hosted for app in settings.contexts[name].apps]
    return [path("", include(f"{app}.urls")) for app in apps if find_spec(f"{app}.urls")]
