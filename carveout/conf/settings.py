"""The data of `settings.CARVEOUT`, and nothing else."""

import hashlib
import hmac
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings

CONTEXT_MAX = 100
"""Most characters of a context's name: the size of its columns."""


@dataclass(frozen=True)
class Context:
    """A bounded context: a named set of Django apps that owns its tables."""

    name: str
    apps: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    """Modules of an app that holds the pages of several contexts: for survey, plan and ratchet."""
    partitions: int = 1
    database: str = "default"
    url: str = ""

    def owns(self, module: str) -> bool:
        return self.app_of(module) is not None

    def app_of(self, module: str) -> str | None:
        """The innermost of its apps or modules that contains this module."""
        holding = (app for app in (*self.apps, *self.modules) if f"{module}.".startswith(f"{app}."))
        return max(holding, key=len, default=None)


@dataclass(frozen=True)
class RecordingSettings:
    """What a running system records about itself."""

    share: float = 0.0
    """The share of requests that is recorded: 0.01 is one in a hundred."""
    file: Path = Path()


@dataclass(frozen=True)
class Settings:
    """The possible keys of `settings.CARVEOUT`, in lower case."""

    contexts: Mapping[str, Context]
    hosted: tuple[str, ...]
    redis_url: str = ""
    """A server, Sentinels or a cluster. Empty: an embedded Valkey that lives under `state_dir`."""
    jobs_redis_url: str = ""
    """A server or Sentinels for the jobs, not a cluster. Empty: where the streams are."""
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
    """How long a consumer or relay waits for a notification before it checks by itself."""
    lease_ms: int = 10_000
    job_timeout_s: int = 60
    metrics_token: str = ""
    """What Prometheus sends. Empty: only staff on the web, anyone at a worker's port."""
    retry_base_s: float = 1.0
    retry_cap_s: float = 300.0
    seams: str | Mapping[str, str] = field(default_factory=dict)
    """Fixes the mode of seams, for tests: one mode for all of them, or a mode by name."""
    record: RecordingSettings | None = None
    """None: a running system records nothing."""

    def context_of(self, module: str) -> Context | None:
        """The context whose apps contain this module; the innermost app wins."""
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
        """Whether events go through Redis; false if they are delivered in process."""
        return self.delivery == "streams"

    @property
    def configured_partitions(self) -> set[tuple[str, int]]:
        """Every partition of every context, as configured."""
        each = self.contexts.values()
        return {(context.name, number) for context in each for number in range(context.partitions)}

    def may_ask(self, context: str) -> bool:
        """Whether a context of this name may use the internal REST, if it has the right key.

        Without KEYS, any holder of SECRET_KEY can sign for any, so an unknown name is as
        good as a known one: a new context needs no change in the deployments that it asks.
        """
        is_name = context.isidentifier() and len(context) <= CONTEXT_MAX
        return context in self.contexts or (is_name and not self.keys)

    def keys_of(self, context: str) -> list[str]:
        """The keys that sign and verify this context's requests, newest first."""
        if self.keys.get(context):
            return list(self.keys[context])
        secret = django_settings.SECRET_KEY.encode()
        return [hmac.new(secret, f"carveout:{context}".encode(), hashlib.sha256).hexdigest()]

    @property
    def redis(self) -> str:
        """The URL to connect to, embedded or not."""
        return self.redis_url or embedded_url(self.state_dir)

    @property
    def jobs_redis(self) -> str:
        """The URL to connect to for jobs."""
        return self.jobs_redis_url or self.redis


def hosted_contexts(raw: Mapping[str, Any]) -> list[str]:
    """The contexts that run in this deployment: env CONTEXTS, then HOSTED, then all."""
    chosen = os.environ.get("CONTEXTS")
    if chosen:
        return [name.strip() for name in chosen.split(",") if name.strip()]
    return list(raw.get("HOSTED", raw.get("CONTEXTS", {})))


def embedded_url(state_dir: Path) -> str:
    from carveout.runtime import valkey  # needs redis-py, which the tools for a monolith do not

    return valkey.url(state_dir)
