"""Redis as the guarantees want it: there, new enough, and keeping what it was given."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import redis

from carveout import address
from carveout.conf import get_settings
from carveout.connection import REDIS_ERRORS, Client, client, jobs_client, on_cluster, servers
from carveout.doctor.finding import Finding, compare_clocks, error, ok, warning
from carveout.errors import StreamRefused
from carveout.refusal import unavailable

OLDEST = {"Redis": (6, 2), "Valkey": (7, 2)}
"""The oldest that the kit's tests were run on."""
NEARLY_FULL = 0.9


def look() -> Iterator[Finding]:
    """The server of the streams, and that of the jobs if it is another; of a cluster each node."""
    for url, connect in _connections().items():
        what = f"Redis {address.hidden(url)}"
        try:
            nodes = servers(connect())
        except REDIS_ERRORS as away:
            yield _away(what, away)
            continue
        for node, server in nodes.items():
            yield from _look_at(f"Redis {node}" if node else what, server)


def _connections() -> dict[str, Callable[[], Client]]:
    settings = get_settings()
    connections: dict[str, Callable[[], Client]] = {settings.redis: client}
    if address.parse(settings.jobs_redis).kind != "cluster":  # a system check says so
        connections.setdefault(settings.jobs_redis, jobs_client)
    return connections


def _away(what: str, why: Exception) -> Finding:
    told = unavailable(why)
    if isinstance(told, StreamRefused):
        found, _, fix = str(told).partition("; nothing is lost.")
        mend = fix.strip().rstrip(".") or "read what it says, and its log"
        return error(what, f"{found}; events are stored, and wait", mend)
    mend = "start it, or correct the URL"
    if not get_settings().redis_url:
        mend = "set REDIS_URL, or run `manage.py up` for development"
    return error(what, f"does not answer ({why}); events are stored, and wait", mend)


def _look_at(what: str, server: Client) -> Iterator[Finding]:
    try:
        info: dict[str, Any] = server.info()
    except REDIS_ERRORS as away:
        if not _without(away, "info"):
            yield _away(what, away)
            return
        yield warning(
            what,
            "answers, but its version, role and memory can't be seen",
            "let this user run INFO: `ACL SETUSER … +info`",
        )
    else:
        for judge in (_version, _cluster, _role, _policy, _room, _persistence):
            yield from judge(what, info)
    try:
        yield _clock(what, server)
    except REDIS_ERRORS as refused:
        yield warning(what, f"its clock can't be seen ({refused})", "let this user run TIME")


def _without(refused: Exception, command: str) -> bool:
    """Is it only that this command is forbidden, or was taken away?"""
    if isinstance(refused, redis.exceptions.NoPermissionError):
        return True
    said = str(refused).lower()
    return "unknown command" in said and command in said


def _cluster(what: str, info: dict[str, Any]) -> Iterator[Finding]:
    """A node of a cluster sends away whoever asks it for a key of another node."""
    if info.get("cluster_enabled") and not on_cluster():
        yield error(
            what,
            "is a node of a cluster, and the URL names a single server",
            "begin the URL with redis+cluster:// or rediss+cluster://",
        )


def _version(what: str, info: dict[str, Any]) -> Iterator[Finding]:
    kind = "Valkey" if "valkey_version" in info else "Redis"
    told = str(info.get("valkey_version") or info.get("redis_version"))
    version = tuple(int(part) for part in re.findall(r"\d+", told)[:2])
    oldest = ".".join(map(str, OLDEST[kind]))
    if version < OLDEST[kind]:
        yield error(what, f"{kind} {told} is too old", f"use {kind} {oldest} or newer")
    else:
        yield ok(what, f"answers, {kind} {told}")


def _role(what: str, info: dict[str, Any]) -> Iterator[Finding]:
    if info.get("role") == "slave":
        yield error(what, "is a replica; nothing can be written there", "connect to the primary")


def _policy(what: str, info: dict[str, Any]) -> Iterator[Finding]:
    """INFO tells it too; CONFIG is often forbidden."""
    policy = info.get("maxmemory_policy")
    if policy == "noeviction":
        yield ok(what, "maxmemory-policy is noeviction")
        return
    yield warning(
        what,
        f"maxmemory-policy is {policy}; when memory is short, streams and jobs vanish, and are"
        " filled again from the log each time",
        "`CONFIG SET maxmemory-policy noeviction`, and the same in its configuration",
    )


def _room(what: str, info: dict[str, Any]) -> Iterator[Finding]:
    used, limit = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    if limit and used > limit * NEARLY_FULL:
        yield warning(
            what,
            f"{used / limit:.0%} of maxmemory is used; when it is full nothing is shipped",
            "raise maxmemory, or lower STREAM_LENGTH",
        )


def _persistence(what: str, info: dict[str, Any]) -> Iterator[Finding]:
    kept = "keeps an append-only file" if info.get("aof_enabled") else "keeps no append-only file"
    yield ok(what, f"{kept}; what it loses is filled again from the log")


def _clock(what: str, server: Client) -> Finding:
    asked_at_s = time.time()
    seconds, microseconds = server.time()
    return compare_clocks(what, seconds + microseconds / 1_000_000, asked_at_s)
