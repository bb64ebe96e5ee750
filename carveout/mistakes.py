"""Mistakes in settings.CARVEOUT, each as a sentence that says what to write instead."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings as django_settings

from carveout import address

if TYPE_CHECKING:
    from carveout.conf import Context, Settings

KEY_LENGTH_MIN = 32
"""Characters. HS256 wants as many bytes as its hash has.
Source: https://www.rfc-editor.org/rfc/rfc7518#section-3.2
"""

DELIVERIES = ("streams", "inline", "eager")

CONTEXT_MAX = 100
"""Characters of a context's name: what our columns hold."""


def unknown_names(raw: Mapping[str, Any], known: Sequence[str], where: str) -> Iterator[str]:
    for name in raw:
        if name not in known:
            yield f"{where}: " + unknown(name, known, "name")


def unknown(name: str, known: Mapping[str, Any] | Sequence[str], what: str) -> str:
    """What to say about a name that is not known, with the nearest one that is."""
    close = get_close_matches(name, list(known), n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}."
    return f"unknown {what} {name!r}, {hint}"


def suggest(name: str, known: Collection[str]) -> str:
    """The nearest name that is known, or all of them, as a sentence."""
    close = get_close_matches(name, list(known), n=1)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"Known are {', '.join(sorted(known)) or 'none'}."


def apps_mistake(name: str) -> str:
    return f"CARVEOUT['CONTEXTS']['{name}']: 'apps' must be a list of Django apps."


def missing_app(name: str, app: str) -> str:
    return (
        f"CARVEOUT['CONTEXTS']['{name}']: there is no app {app!r}. Write its name as in"
        " INSTALLED_APPS, such as 'orders' or 'orders.apps.OrdersConfig'."
    )


def context_mistakes(context: "Context", options: Mapping[str, Any]) -> Iterator[str]:
    where = f"CARVEOUT['CONTEXTS']['{context.name}']"
    apps = options.get("apps", ())
    if isinstance(apps, str) or not all(isinstance(app, str) for app in apps):
        yield apps_mistake(context.name)
    if not context.name.isidentifier():
        yield f"{where}: a context's name must be a Python identifier."
    if len(context.name) > CONTEXT_MAX:
        yield f"{where}: a context's name can have at most {CONTEXT_MAX} characters."
    if not context.apps:
        yield f"{where}: 'apps' must name at least one Django app."
    if not isinstance(context.partitions, int) or context.partitions < 1:
        yield f"{where}: 'partitions' must be a whole number from 1, not {context.partitions!r}."
    if context.database not in django_settings.DATABASES:
        yield f"{where}: " + unknown(context.database, django_settings.DATABASES, "database")
    if context.url and not context.url.startswith(("http://", "https://")):
        yield f"{where}: 'url' must begin with http:// or https://, not {context.url!r}."


def _shared_apps(contexts: "Mapping[str, Context]") -> Iterator[str]:
    owners: dict[str, list[str]] = {}
    for context in contexts.values():
        for app in context.apps:
            owners.setdefault(app, []).append(context.name)
    for app, names in owners.items():
        if len(names) > 1:
            yield f"CARVEOUT['CONTEXTS']: {app!r} is in {' and '.join(names)}; keep it in one."


def value_mistakes(settings: "Settings") -> Iterator[str]:
    yield from _shared_apps(settings.contexts)
    for name in settings.hosted:
        if name not in settings.contexts:
            yield unknown(name, settings.contexts, "hosted context")
    for name, choices in (("delivery", DELIVERIES), ("lookups", ("auto", "http"))):
        if getattr(settings, name) not in choices:
            yield f"CARVEOUT['{name.upper()}'] must be one of {choices}."
    for entry in fields(settings):
        value = getattr(settings, entry.name)
        wanted = {int: (int,), float: (int, float)}.get(type(entry.default))
        if wanted and (type(value) not in wanted or value <= 0):
            kind = "whole number" if wanted == (int,) else "number"
            yield f"CARVEOUT['{entry.name.upper()}'] must be a {kind} above 0, not {value!r}."
    yield from _url_mistakes("REDIS_URL", settings.redis_url)
    yield from _url_mistakes("JOBS_REDIS_URL", settings.jobs_redis_url, for_jobs=True)
    yield from _key_mistakes(settings)
    yield from _token_mistakes(settings.metrics_token)


def record_mistakes(record: Any, known: Sequence[str]) -> Iterator[str]:
    where = "CARVEOUT['RECORD']"
    if not isinstance(record, Mapping):
        yield f"{where} must be a dict with 'share' and 'file'."
        return
    yield from unknown_names(record, known, where)
    share = record.get("share")
    usable = isinstance(share, int | float) and not isinstance(share, bool) and 0 < share <= 1
    if not usable:
        yield f"{where}: 'share' must be a number above 0, up to 1, not {share!r}."
    if not isinstance(record.get("file"), str | Path) or not str(record["file"]):
        yield f"{where}: 'file' must name a file to write to."


def _url_mistakes(name: str, url: str, *, for_jobs: bool = False) -> Iterator[str]:
    """Passwords are never shown."""
    where = f"CARVEOUT[{name!r}] {address.hidden(str(url))!r}: "
    try:
        if url and address.parse(url).kind == "cluster" and for_jobs:
            yield where + "RQ can't work on a cluster; name a single Redis or one with Sentinels."
    except ValueError as error:
        yield where + f"{error}."


def _token_mistakes(token: str) -> Iterator[str]:
    """The token is never shown."""
    usable = isinstance(token, str) and token.isascii() and len(token) >= KEY_LENGTH_MIN
    if token and not usable:
        yield (
            f"CARVEOUT['METRICS_TOKEN'] must be ASCII text of at least {KEY_LENGTH_MIN} characters."
        )


def _key_mistakes(settings: "Settings") -> Iterator[str]:
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
                " characters, the newest first."
            )
