"""One frozen object built from `settings.CARVEOUT`; every mistake is reported at once."""

import hashlib
import hmac
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.apps import apps as django_apps
from django.conf import settings as django_settings
from django.core.signals import setting_changed

from carveout import address, embedded, mistakes
from carveout.errors import SettingsInvalid

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
        return self.app_of(module) is not None

    def app_of(self, module: str) -> str | None:
        """The innermost of its apps that holds the module."""
        holding = (app for app in self.apps if f"{module}.".startswith(f"{app}."))
        return max(holding, key=len, default=None)


@dataclass(frozen=True)
class Record:
    """What a running system records of itself."""

    share: float = 0.0
    """Of the requests: 0.01 is one in a hundred."""
    file: Path = Path()


@dataclass(frozen=True)
class Settings:
    """What `settings.CARVEOUT` may hold; names are the keys in lower case."""

    contexts: Mapping[str, Context]
    hosted: tuple[str, ...]
    redis_url: str = ""
    """A server, Sentinels or a cluster. Empty: an embedded Valkey that lives under `state_dir`."""
    jobs_redis_url: str = ""
    """A server or Sentinels for the jobs. Empty: where the streams are; no cluster can be."""
    state_dir: Path = Path(".carveout")
    delivery: str = "streams"
    """`inline` delivers on commit, in process and without Redis, `eager` also where a test's own
    transaction is never committed: for tests."""
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
    metrics_token: str = ""
    """What Prometheus sends. Empty: on the web only staff may read, at a worker's port anybody."""
    retry_base_s: float = 1.0
    retry_cap_s: float = 300.0
    record: Record | None = None
    """None: a running system records nothing."""

    def context_of(self, module: str) -> Context | None:
        """The context whose apps hold this module, the innermost app winning."""
        owners = [context for context in self.contexts.values() if context.owns(module)]
        return max(owners, key=lambda context: len(context.app_of(module) or ""), default=None)

    def hosts(self, context: str) -> bool:
        return context in self.hosted

    def database_of(self, context: str) -> str:
        return self.contexts[context].database

    @property
    def hosted_databases(self) -> list[str]:
        """The databases of the contexts hosted here."""
        return sorted({self.database_of(context) for context in self.hosted})

    @property
    def uses_redis(self) -> bool:
        """Whether events travel over Redis. Where they are delivered in process it is not asked."""
        return self.delivery == "streams"

    @property
    def places(self) -> set[tuple[str, int]]:
        """Every partition of every context, as the settings divide them."""
        each = self.contexts.values()
        return {(context.name, number) for context in each for number in range(context.partitions)}

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

    @property
    def jobs_redis(self) -> str:
        """The URL to connect to for jobs."""
        return self.jobs_redis_url or self.redis


def build(raw: Mapping[str, Any]) -> tuple[Settings, list[str]]:
    """The settings object, and all mistakes found on the way, as sentences."""
    found = list(mistakes.unknown_names(raw, [key.upper() for key in _names(Settings)], "CARVEOUT"))
    contexts = {}
    for name, options in raw.get("CONTEXTS", {}).items():
        found += mistakes.unknown_names(options, _names(Context), f"CARVEOUT['CONTEXTS']['{name}']")
        known = {key: options[key] for key in _names(Context) if key in options and key != "name"}
        apps = tuple(app_module(str(app)) for app in known.get("apps", ()))
        context = Context(name, **{**known, "apps": apps})
        found += mistakes.context_mistakes(context, options)
        contexts[name] = context
    values = {key: raw[key.upper()] for key in _names(Settings) if key.upper() in raw}
    values["state_dir"] = Path(values.get("state_dir", ".carveout"))
    if values.get("record") is not None:
        found += mistakes.record_mistakes(values["record"], _names(Record))
        values["record"] = _record(values["record"])
    values |= {"contexts": contexts, "hosted": tuple(hosted_contexts(raw))}
    settings = Settings(**values)
    found += mistakes.value_mistakes(settings)
    return settings, found


def _record(raw: Any) -> Record:
    known = raw if isinstance(raw, Mapping) else {}
    return Record(known.get("share", 0.0), Path(str(known.get("file", ""))))


def hosted_contexts(raw: Mapping[str, Any]) -> list[str]:
    """The contexts that run in this deployment: env CONTEXTS, then HOSTED, then all."""
    chosen = os.environ.get("CONTEXTS")
    if chosen:
        return [name.strip() for name in chosen.split(",") if name.strip()]
    return list(raw.get("HOSTED", raw.get("CONTEXTS", {})))


def hosted_apps(raw: Mapping[str, Any]) -> list[str]:
    """The Django apps of the hosted contexts, for INSTALLED_APPS.

    Raises: SettingsInvalid: a hosted context is not in CONTEXTS, its apps are no list, or there is
        no such app.
    """
    contexts = raw.get("CONTEXTS", {})
    for name in hosted_contexts(raw):
        if name not in contexts:
            raise SettingsInvalid(mistakes.unknown(name, contexts, "hosted context"))
        if isinstance(contexts[name].get("apps"), str):
            raise SettingsInvalid(mistakes.apps_mistake(name))
        for app in contexts[name].get("apps", ()):
            if not is_there(app):
                raise SettingsInvalid(mistakes.missing_app(name, app))
    return [app for name in hosted_contexts(raw) for app in contexts[name].get("apps", ())]


def missing_apps(settings: Settings) -> list[str]:
    """Apps of hosted contexts that are not there, as sentences."""
    here = [settings.contexts[name] for name in settings.hosted]
    return [
        mistakes.missing_app(context.name, app)
        for context in here
        for app in context.apps
        if not is_there(app)
    ]


def apps_not_installed(settings: Settings) -> list[tuple[str, str]]:
    """Apps of hosted contexts that are there and not in INSTALLED_APPS, each with its context."""
    return [
        (name, app)
        for name in settings.hosted
        for app in settings.contexts[name].apps
        if is_there(app) and not django_apps.is_installed(app)
    ]


def app_module(entry: str) -> str:
    """The package of an app that is named as in INSTALLED_APPS: by itself, or by its AppConfig."""
    module, _, name = entry.rpartition(".")
    if not module or not name[:1].isupper():
        return entry
    try:
        return str(getattr(import_module(module), name).name)
    except (ImportError, AttributeError):  # another deployment has it
        return module.removesuffix(".apps")


def is_there(app: str) -> bool:
    """Can it be imported? Nothing is, since this is asked while settings are read."""
    first, *rest = [part for part in app.split(".") if not part[:1].isupper()]
    spec = sys.modules[first].__spec__ if first in sys.modules else find_spec(first)
    name = first
    for part in rest:
        name = f"{name}.{part}"
        folders = spec.submodule_search_locations if spec else None
        spec = PathFinder.find_spec(name, folders) if folders else None
    return spec is not None


def rq_queues(raw: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """RQ_QUEUES for the hosted contexts: one queue each, JSON and never pickles.

    There are none on a cluster: RQ can't work there.
    """
    url = raw.get("JOBS_REDIS_URL") or raw.get("REDIS_URL")
    url = url or embedded.url(Path(raw.get("STATE_DIR", ".carveout")))
    options = address.rq_options(url)
    if options is None:
        return {}
    options["SERIALIZER"] = RQ_SERIALIZER
    return {rq_queue_name(context): dict(options) for context in hosted_contexts(raw)}


def missing_for_jobs() -> str:
    """The package that jobs need and that is not installed; empty if none is missing."""
    return next((package for package in ("rq", "django_rq") if not find_spec(package)), "")


def rq_queue_name(context: str) -> str:
    return f"carveout-{context}"


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
    """Raises: SettingsInvalid: the apps are loaded, and the kit's is not among them."""
    if django_apps.apps_ready and not django_apps.is_installed("carveout"):
        raise SettingsInvalid(
            "'carveout' is not in INSTALLED_APPS, so nothing that is declared would be read, and"
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


def app_labels(context: Context) -> set[str]:
    """The labels of the context's installed apps."""
    return {config.label for config in django_apps.get_app_configs() if config.name in context.apps}


@lru_cache(maxsize=1024)
def database_of_app(label: str) -> str | None:
    """Where the models of an app live; None if it is in no context."""
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
