"""Checks Redis: reachable, new enough, and keeping its data."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import redis

from carveout.conf import get_settings, redis_url
from carveout.errors import StreamRefused
from carveout.operations.doctor.finding import Finding, compare_clocks, error, ok, warning
from carveout.redis.client import REDIS_ERRORS, Client, client, jobs_client, on_cluster, servers
from carveout.redis.refusals import unavailable

OLDEST = {"Redis": (6, 2), "Valkey": (7, 2)}
"""The oldest versions that the kit's tests were run on."""
NEARLY_FULL = 0.9


def check() -> Iterator[Finding]:
    """Checks the server of streams, and that of jobs if it differs; each node of a cluster."""
    for url, connect in _connections().items():
        what = f"Redis {redis_url.redacted(url)}"
        try:
            nodes = servers(connect())
        except REDIS_ERRORS as away:
            yield _away(what, away)
            continue
        for node, server in nodes.items():
            yield from _check_server(f"Redis {node}" if node else what, server)


def _connections() -> dict[str, Callable[[], Client]]:
    settings = get_settings()
    connections: dict[str, Callable[[], Client]] = {settings.redis: client}
    if redis_url.parse(settings.jobs_redis).kind != "cluster":  # a system check reports it
        connections.setdefault(settings.jobs_redis, jobs_client)
    return connections


def _away(what: str, why: Exception) -> Finding:
    refusal = unavailable(why)
    if isinstance(refusal, StreamRefused):
        found, _, advice = str(refusal).partition("; nothing is lost.")
        fix = advice.strip().rstrip(".") or "read this message and the log of Redis"
        return error(what, f"{found}; events are stored, and wait", fix)
    fix = "start it, or correct the URL"
    if not get_settings().redis_url:
        fix = "set REDIS_URL, or run `manage.py up` for development"
    return error(what, f"does not answer ({why}); events are stored, and wait", fix)


def _check_server(what: str, server: Client) -> Iterator[Finding]:
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
    """Is the only problem that this command is forbidden or was removed?"""
    if isinstance(refused, redis.exceptions.NoPermissionError):
        return True
    message = str(refused).lower()
    return "unknown command" in message and command in message


def _cluster(what: str, info: dict[str, Any]) -> Iterator[Finding]:
    """A node of a cluster redirects requests for keys of other nodes."""
    if info.get("cluster_enabled") and not on_cluster():
        yield error(
            what,
            "is a node of a cluster, but the URL names a single server",
            "begin the URL with redis+cluster:// or rediss+cluster://",
        )


def _version(what: str, info: dict[str, Any]) -> Iterator[Finding]:
    kind = "Valkey" if "valkey_version" in info else "Redis"
    reported = str(info.get("valkey_version") or info.get("redis_version"))
    version = tuple(int(part) for part in re.findall(r"\d+", reported)[:2])
    oldest = ".".join(map(str, OLDEST[kind]))
    if version < OLDEST[kind]:
        yield error(what, f"{kind} {reported} is too old", f"use {kind} {oldest} or newer")
    else:
        yield ok(what, f"answers, {kind} {reported}")


def _role(what: str, info: dict[str, Any]) -> Iterator[Finding]:
    if info.get("role") == "slave":
        yield error(what, "is a replica; nothing can be written there", "connect to the primary")


def _policy(what: str, info: dict[str, Any]) -> Iterator[Finding]:
    """Reads the policy from INFO: CONFIG is often forbidden."""
    policy = info.get("maxmemory_policy")
    if policy == "noeviction":
        yield ok(what, "maxmemory-policy is noeviction")
        return
    yield warning(
        what,
        f"maxmemory-policy is {policy}; when memory is short, Redis evicts streams and jobs,"
        " which are restored from the log each time",
        "run `CONFIG SET maxmemory-policy noeviction`, and set the same in its configuration",
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
    yield ok(what, f"{kept}; what it loses is restored from the log")


def _clock(what: str, server: Client) -> Finding:
    asked_at_s = time.time()
    seconds, microseconds = server.time()
    return compare_clocks(what, seconds + microseconds / 1_000_000, asked_at_s)
