"""Builds one frozen object from `settings.CARVEOUT`, and reports all mistakes at once."""

from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.apps import apps as django_apps
from django.conf import settings as django_settings
from django.core.signals import setting_changed

from carveout.conf import validation
from carveout.conf.context_apps import app_labels, app_module
from carveout.conf.settings import Context, RecordingSettings, Settings, hosted_contexts
from carveout.errors import SettingsInvalid


def build(raw: Mapping[str, Any]) -> tuple[Settings, list[str]]:
    """The settings object, and all mistakes in the settings, as sentences."""
    found = list(
        validation.unknown_names(raw, [key.upper() for key in _names(Settings)], "CARVEOUT")
    )
    contexts = {}
    for name, options in raw.get("CONTEXTS", {}).items():
        found += validation.unknown_names(
            options, _names(Context), f"CARVEOUT['CONTEXTS']['{name}']"
        )
        known = {key: options[key] for key in _names(Context) if key in options and key != "name"}
        apps = tuple(app_module(str(app)) for app in known.get("apps", ()))
        modules = tuple(map(str, known.get("modules", ())))
        context = Context(name, **{**known, "apps": apps, "modules": modules})
        found += validation.context_errors(context, options)
        contexts[name] = context
    values = {key: raw[key.upper()] for key in _names(Settings) if key.upper() in raw}
    values["state_dir"] = Path(values.get("state_dir", ".carveout"))
    if values.get("record") is not None:
        found += validation.record_errors(values["record"], _names(RecordingSettings))
        values["record"] = _record(values["record"])
    values |= {"contexts": contexts, "hosted": tuple(hosted_contexts(raw))}
    settings = Settings(**values)
    found += validation.value_errors(settings)
    return settings, found


def _record(raw: Any) -> RecordingSettings:
    known = raw if isinstance(raw, Mapping) else {}
    return RecordingSettings(known.get("share", 0.0), Path(str(known.get("file", ""))))


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process.

    Raises: SettingsInvalid: with every mistake in one message.
    """
    settings, found = build(getattr(django_settings, "CARVEOUT", {}))
    if found:
        raise SettingsInvalid("settings.CARVEOUT: " + " ".join(found))
    return settings


def insist_on_app() -> None:
    """Raises: SettingsInvalid: the apps are loaded, and Carveout's is not among them."""
    if django_apps.apps_ready and not django_apps.is_installed("carveout"):
        raise SettingsInvalid(
            "'carveout' is not in INSTALLED_APPS, so no declaration would be loaded, and"
            ' there are no tables and no commands. Add it: INSTALLED_APPS += ["carveout"].'
        )


@lru_cache(maxsize=1024)
def context_of(module: str) -> Context:
    """The context that a module belongs to.

    Raises: SettingsInvalid: the module is in no context.
    """
    insist_on_app()
    context = get_settings().context_of(module)
    if context is None:
        raise SettingsInvalid(
            f"{module} belongs to no context. Add its app to one in CARVEOUT['CONTEXTS']."
        )
    return context


@lru_cache(maxsize=1024)
def database_of_app(label: str) -> str | None:
    """The database of an app's models; None if it is in no context."""
    for context in get_settings().contexts.values():
        if label in app_labels(context):
            return context.database
    return None


def _names(of: type) -> list[str]:
    return [entry.name for entry in fields(of)]


def _forget(*, setting: str, **_: object) -> None:
    if setting in ("CARVEOUT", "DATABASES", "INSTALLED_APPS"):
        for read in (get_settings, context_of, database_of_app):
            read.cache_clear()


setting_changed.connect(_forget)
