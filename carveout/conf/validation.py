"""Finds mistakes in settings.CARVEOUT, each as a sentence with what to write instead."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings

from carveout.conf import redis_url
from carveout.conf.requirements import lacking_for_carving
from carveout.conf.settings import CONTEXT_MAX, Context, Settings

TAG = "carveout"
"""The tag of Carveout's system checks, for `manage.py check --tag`."""

KEY_LENGTH_MIN = 32
"""Characters. HS256 needs a key at least as long as its hash.
Source: https://www.rfc-editor.org/rfc/rfc7518#section-3.2
"""

DELIVERIES = ("streams", "inline", "eager")
SEAM_MODES = ("direct", "shadow", "events")


def unknown_names(raw: Mapping[str, Any], known: Sequence[str], where: str) -> Iterator[str]:
    for name in raw:
        if name not in known:
            yield f"{where}: " + unknown(name, known, "name")


def unknown(name: str, known: Mapping[str, Any] | Sequence[str], what: str) -> str:
    """A message about an unknown name, with the nearest known one."""
    close = get_close_matches(name, list(known), n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known names are {', '.join(known)}."
    return f"unknown {what} {name!r}, {hint}"


def suggest(name: str, known: Collection[str]) -> str:
    """The nearest known name, or all known names, as a sentence."""
    close = get_close_matches(name, list(known), n=1)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"Known names are {', '.join(sorted(known)) or 'none'}."


def apps_error(name: str) -> str:
    return f"CARVEOUT['CONTEXTS']['{name}']: 'apps' must be a list of Django apps."


def missing_app(name: str, app: str) -> str:
    return (
        f"CARVEOUT['CONTEXTS']['{name}']: there is no app {app!r}. Write its name as in"
        " INSTALLED_APPS, such as 'orders' or 'orders.apps.OrdersConfig'."
    )


def missing_module(name: str, module: str) -> str:
    return (
        f"CARVEOUT['CONTEXTS']['{name}']: 'modules' lists {module!r}, but there is no such module."
        " Write its import path, such as 'api.orders'."
    )


def modules_error(name: str) -> str:
    return (
        f"CARVEOUT['CONTEXTS']['{name}']: 'modules' must be a list of modules of an app, such as"
        " 'api.orders'."
    )


def hosts_a_part(hosted: Sequence[str], contexts: Mapping[str, Any]) -> bool:
    """Whether some of the contexts run elsewhere."""
    return not {*contexts} <= {*hosted}


def module_not_hosted(name: str, module: str) -> str:
    return (
        f"CARVEOUT['CONTEXTS']['{name}']: 'modules' lists {module!r}, but a deployment can host"
        " only whole apps. For now, 'modules' works only in survey, plan and ratchet. Host all"
        f" contexts together, or move {module!r} into an app of {name} and out of 'modules'."
    )


def context_errors(context: Context, options: Mapping[str, Any]) -> Iterator[str]:
    where = f"CARVEOUT['CONTEXTS']['{context.name}']"
    apps = options.get("apps", ())
    if isinstance(apps, str) or not all(isinstance(app, str) for app in apps):
        yield apps_error(context.name)
    modules = options.get("modules", ())
    if isinstance(modules, str) or not all(isinstance(each, str) for each in modules):
        yield modules_error(context.name)
    if not context.name.isidentifier():
        yield f"{where}: a context's name must be a Python identifier."
    if len(context.name) > CONTEXT_MAX:
        yield f"{where}: a context's name can have at most {CONTEXT_MAX} characters."
    if not context.apps:
        yield f"{where}: 'apps' must name at least one Django app."
    if not isinstance(context.partitions, int) or context.partitions < 1:
        yield (
            f"{where}: 'partitions' must be a whole number of at least 1,"
            f" not {context.partitions!r}."
        )
    if context.database not in django_settings.DATABASES:
        yield f"{where}: " + unknown(context.database, django_settings.DATABASES, "database")
    if context.url and not context.url.startswith(("http://", "https://")):
        yield f"{where}: 'url' must begin with http:// or https://, not {context.url!r}."


def _shared_apps(contexts: Mapping[str, Context]) -> Iterator[str]:
    owners: dict[str, list[str]] = {}
    for context in contexts.values():
        for app in (*context.apps, *context.modules):
            owners.setdefault(app, []).append(context.name)
    for app, names in owners.items():
        if len(names) > 1:
            yield f"CARVEOUT['CONTEXTS']: {app!r} is in {' and '.join(names)}; keep it in one."


def value_errors(settings: Settings) -> Iterator[str]:
    yield from _shared_apps(settings.contexts)
    for name in settings.hosted:
        if name not in settings.contexts:
            yield unknown(name, settings.contexts, "hosted context")
    for name, choices in (("delivery", DELIVERIES), ("lookups", ("auto", "http"))):
        if getattr(settings, name) not in choices:
            yield f"CARVEOUT['{name.upper()}'] must be one of {choices}."
    yield from _seam_mistakes(settings.seams)
    for entry in fields(settings):
        value = getattr(settings, entry.name)
        wanted = {int: (int,), float: (int, float)}.get(type(entry.default))
        if wanted and (type(value) not in wanted or value <= 0):
            kind = "whole number" if wanted == (int,) else "number"
            yield f"CARVEOUT['{entry.name.upper()}'] must be a {kind} above 0, not {value!r}."
    yield from _url_errors("REDIS_URL", settings.redis_url)
    yield from _url_errors("JOBS_REDIS_URL", settings.jobs_redis_url, for_jobs=True)
    yield from _key_errors(settings)
    yield from _token_errors(settings.metrics_token)


def _seam_mistakes(seams: Any) -> Iterator[str]:
    by_name = seams if isinstance(seams, Mapping) else {"": seams}
    for name, mode in by_name.items():
        if mode not in SEAM_MODES:
            where = f"CARVEOUT['SEAMS']{[name] if name else ''}"
            yield f"{where} must be one of {SEAM_MODES}, not {mode!r}."


def record_errors(record: Any, known: Sequence[str]) -> Iterator[str]:
    where = "CARVEOUT['RECORD']"
    if not isinstance(record, Mapping):
        yield f"{where} must be a dict with 'share' and 'file'."
        return
    yield from unknown_names(record, known, where)
    share = record.get("share")
    usable = isinstance(share, int | float) and not isinstance(share, bool) and 0 < share <= 1
    if not usable:
        yield f"{where}: 'share' must be a number above 0 and at most 1, not {share!r}."
    if not isinstance(record.get("file"), str | Path) or not str(record["file"]):
        yield f"{where}: 'file' must name a file to write to."
    if lacking := lacking_for_carving(where):
        yield lacking


def _url_errors(name: str, url: str, *, for_jobs: bool = False) -> Iterator[str]:
    """Passwords are never shown. Without redis-py nothing connects, and a URL can't be checked."""
    if not find_spec("redis"):
        return
    where = f"CARVEOUT[{name!r}] {redis_url.redacted(str(url))!r}: "
    try:
        if url and redis_url.parse(url).kind == "cluster" and for_jobs:
            yield where + "RQ can't use a cluster; set a single Redis or one with Sentinels."
    except ValueError as error:
        yield where + f"{error}."


def _token_errors(token: str) -> Iterator[str]:
    """The token is never shown."""
    usable = isinstance(token, str) and token.isascii() and len(token) >= KEY_LENGTH_MIN
    if token and not usable:
        yield (
            f"CARVEOUT['METRICS_TOKEN'] must be ASCII text of at least {KEY_LENGTH_MIN} characters."
        )


def _key_errors(settings: Settings) -> Iterator[str]:
    """Keys are never shown."""
    for name, keys in settings.keys.items():
        if name not in settings.contexts:
            yield "CARVEOUT['KEYS']: " + unknown(name, settings.contexts, "context")
        if (
            isinstance(keys, str)
            or not keys
            or not all(len(str(key)) >= KEY_LENGTH_MIN for key in keys)
        ):
            yield (
                f"CARVEOUT['KEYS']['{name}'] must be a list of keys of at least {KEY_LENGTH_MIN}"
                " characters, newest first."
            )
