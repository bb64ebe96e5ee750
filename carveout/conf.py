"""One frozen object built from `settings.CARVEOUT`; every mistake is reported at once."""

import hashlib
import hmac
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.apps import apps as django_apps
from django.conf import settings as django_settings
from django.core.signals import setting_changed

from carveout import embedded
from carveout.errors import SettingsInvalid

KEY_LENGTH_MIN = 32
"""As long as what it makes. Source: https://www.rfc-editor.org/rfc/rfc7518#section-3.2"""
RQ_SERIALIZER = "rq.serializers.JSONSerializer"


@dataclass(frozen=True)
class Context:
    """A bounded context: a named set of Django apps that owns its tables."""

    name: str
    apps: tuple[str, ...] = ()
    partitions: int = 1
    database: str = "default"
    url: str = ""

    def owns(self, module: str) -> bool:
        return any(module == app or module.startswith(f"{app}.") for app in self.apps)


@dataclass(frozen=True)
class Settings:
    """What `settings.CARVEOUT` may hold; names are the keys in lower case."""

    contexts: Mapping[str, Context]
    hosted: tuple[str, ...]
    redis_url: str = ""
    """Empty: an embedded Valkey that lives under `state_dir`."""
    state_dir: Path = Path(".carveout")
    delivery: str = "streams"
    """`inline` delivers on commit, in process and without Redis: for tests."""
    lookups: str = "auto"
    """`auto` calls hosted contexts in process and others over HTTP; `http` always uses HTTP."""
    lookup_timeout_s: float = 5.0
    lookup_bytes_max: int = 8 * 1024 * 1024
    keys: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Signing keys per context, newest first; default: derived from SECRET_KEY."""
    batch_rows: int = 500
    stream_length: int = 100_000
    """Entries that a stream keeps; older ones are read from the log."""
    block_ms: int = 1_000
    """How long a consumer or relay waits for news before it looks by itself."""
    lease_ms: int = 10_000
    job_timeout_s: int = 60
    retry_base_s: float = 1.0
    retry_cap_s: float = 300.0

    def context_of(self, module: str) -> Context | None:
        """The context whose apps hold this module, the innermost app winning."""
        owners = [context for context in self.contexts.values() if context.owns(module)]
        return max(owners, key=lambda context: max(map(len, context.apps)), default=None)

    def hosts(self, context: str) -> bool:
        return context in self.hosted

    def database_of(self, context: str) -> str:
        return self.contexts[context].database

    def keys_of(self, context: str) -> list[str]:
        """The keys that sign and verify this context's requests, newest first."""
        if self.keys.get(context):
            return list(self.keys[context])
        secret = django_settings.SECRET_KEY.encode()
        return [hmac.new(secret, f"carveout:{context}".encode(), hashlib.sha256).hexdigest()]

    @property
    def redis(self) -> str:
        """The URL to connect to, embedded or not."""
        return self.redis_url or embedded.url(self.state_dir)


def build(raw: Mapping[str, Any]) -> tuple[Settings, list[str]]:
    """The settings object, and all mistakes found on the way, as sentences."""
    mistakes = list(_unknown_names(raw, Settings, "CARVEOUT", upper=True))
    contexts = {}
    for name, options in raw.get("CONTEXTS", {}).items():
        mistakes += _unknown_names(options, Context, f"CARVEOUT['CONTEXTS']['{name}']")
        known = {key: options[key] for key in _names(Context) if key in options and key != "name"}
        context = Context(name, **{**known, "apps": tuple(known.get("apps", ()))})
        mistakes += _context_mistakes(context, options)
        contexts[name] = context
    values = {key: raw[key.upper()] for key in _names(Settings) if key.upper() in raw}
    values["state_dir"] = Path(values.get("state_dir", ".carveout"))
    values |= {"contexts": contexts, "hosted": tuple(hosted_contexts(raw))}
    settings = Settings(**values)
    mistakes += _value_mistakes(settings)
    return settings, mistakes


def hosted_contexts(raw: Mapping[str, Any]) -> list[str]:
    """The contexts that run in this deployment: env CONTEXTS, then HOSTED, then all."""
    chosen = os.environ.get("CONTEXTS")
    if chosen:
        return [name.strip() for name in chosen.split(",") if name.strip()]
    return list(raw.get("HOSTED", raw.get("CONTEXTS", {})))


def hosted_apps(raw: Mapping[str, Any]) -> list[str]:
    """The Django apps of the hosted contexts, for INSTALLED_APPS.

    Raises: SettingsInvalid: a hosted context is not in CONTEXTS, or its apps are no list.
    """
    contexts = raw.get("CONTEXTS", {})
    for name in hosted_contexts(raw):
        if name not in contexts:
            raise SettingsInvalid(_unknown(name, contexts, "hosted context"))
        if isinstance(contexts[name].get("apps"), str):
            raise SettingsInvalid(_apps_mistake(name))
    return [app for name in hosted_contexts(raw) for app in contexts[name].get("apps", ())]


def rq_queues(raw: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """RQ_QUEUES for the hosted contexts: one queue each, JSON and never pickles."""
    url = raw.get("REDIS_URL") or embedded.url(Path(raw.get("STATE_DIR", ".carveout")))
    options = {"URL": url, "SERIALIZER": RQ_SERIALIZER}
    return {rq_queue_name(context): dict(options) for context in hosted_contexts(raw)}


def rq_queue_name(context: str) -> str:
    return f"carveout-{context}"


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process.

    Raises: SettingsInvalid: with every mistake in one message.
    """
    settings, mistakes = build(getattr(django_settings, "CARVEOUT", {}))
    if mistakes:
        raise SettingsInvalid("settings.CARVEOUT: " + " ".join(mistakes))
    return settings


def context_of(module: str) -> Context:
    """The context that a module belongs to.

    Raises: SettingsInvalid: the module is in no context.
    """
    context = get_settings().context_of(module)
    if context is None:
        raise SettingsInvalid(
            f"{module} belongs to no context. Add its app to one in CARVEOUT['CONTEXTS']."
        )
    return context


def app_labels(context: Context) -> set[str]:
    """The labels of the context's installed apps."""
    return {config.label for config in django_apps.get_app_configs() if config.name in context.apps}


def _names(of: type) -> list[str]:
    return [entry.name for entry in fields(of)]


def _unknown_names(
    raw: Mapping[str, Any], of: type, where: str, *, upper: bool = False
) -> Iterator[str]:
    known = [name.upper() if upper else name for name in _names(of)]
    for name in raw:
        if name not in known:
            yield f"{where}: " + _unknown(name, known, "name")


def _unknown(name: str, known: Mapping[str, Any] | Sequence[str], what: str) -> str:
    close = get_close_matches(name, list(known), n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}."
    return f"unknown {what} {name!r}, {hint}"


def _apps_mistake(name: str) -> str:
    return f"CARVEOUT['CONTEXTS']['{name}']: 'apps' must be a list of Django apps."


def _context_mistakes(context: Context, options: Mapping[str, Any]) -> Iterator[str]:
    where = f"CARVEOUT['CONTEXTS']['{context.name}']"
    if isinstance(options.get("apps"), str):
        yield _apps_mistake(context.name)
    if not context.name.isidentifier():
        yield f"{where}: a context's name must be a Python identifier."
    if not context.apps:
        yield f"{where}: 'apps' must name at least one Django app."
    if not isinstance(context.partitions, int) or context.partitions < 1:
        yield f"{where}: 'partitions' must be a whole number from 1, not {context.partitions!r}."
    if context.database not in django_settings.DATABASES:
        yield f"{where}: " + _unknown(context.database, django_settings.DATABASES, "database")
    if context.url and not context.url.startswith(("http://", "https://")):
        yield f"{where}: 'url' must begin with http:// or https://, not {context.url!r}."


def _shared_apps(contexts: Mapping[str, Context]) -> Iterator[str]:
    owners: dict[str, list[str]] = {}
    for context in contexts.values():
        for app in context.apps:
            owners.setdefault(app, []).append(context.name)
    for app, names in owners.items():
        if len(names) > 1:
            yield f"CARVEOUT['CONTEXTS']: {app!r} is in {' and '.join(names)}; keep it in one."


def _value_mistakes(settings: Settings) -> Iterator[str]:
    yield from _shared_apps(settings.contexts)
    for name in settings.hosted:
        if name not in settings.contexts:
            yield _unknown(name, settings.contexts, "hosted context")
    for name, choices in (("delivery", ("streams", "inline")), ("lookups", ("auto", "http"))):
        if getattr(settings, name) not in choices:
            yield f"CARVEOUT['{name.upper()}'] must be one of {choices}."
    for entry in fields(Settings):
        value = getattr(settings, entry.name)
        wanted = {int: (int,), float: (int, float)}.get(type(entry.default))
        if wanted and (type(value) not in wanted or value <= 0):
            kind = "whole number" if wanted == (int,) else "number"
            yield f"CARVEOUT['{entry.name.upper()}'] must be a {kind} above 0, not {value!r}."
    yield from _key_mistakes(settings)


def _key_mistakes(settings: Settings) -> Iterator[str]:
    """Keys are never shown."""
    for name, keys in settings.keys.items():
        if name not in settings.contexts:
            yield "CARVEOUT['KEYS']: " + _unknown(name, settings.contexts, "context")
        if isinstance(keys, str) or not all(len(str(key)) >= KEY_LENGTH_MIN for key in keys):
            yield (
                f"CARVEOUT['KEYS']['{name}'] must be a list of keys of at least {KEY_LENGTH_MIN}"
                " characters, the newest first."
            )


def _forget(*, setting: str, **_: object) -> None:
    if setting in ("CARVEOUT", "DATABASES"):
        get_settings.cache_clear()


setting_changed.connect(_forget)
