"""Connections to Redis or Valkey, with our own time limits and no silent retries."""

from functools import lru_cache
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import RedisClusterException
from redis.retry import Retry
from redis.sentinel import Sentinel

from carveout import address
from carveout.address import Address
from carveout.conf import get_settings

CONNECT_TIMEOUT_S = 2.0
REPLY_MARGIN_S = 5.0
"""How much longer than the longest blocking call a reply may take."""
HURRY_S = 0.5

Client = Any
"""A redis-py client. Its annotations differ from release to release, so we do without."""

REDIS_ERRORS = (redis.RedisError, RedisClusterException, OSError)


@lru_cache(maxsize=8)
def _client(url: str, timeout_s: float) -> Client:
    """One pool per URL and time limit.

    A client that repeats a command by itself could add an entry twice, so it never does; the
    protocol is pinned because replies differ between RESP2 and RESP3.
    Source: https://redis.readthedocs.io/en/stable/retry.html
    """
    options: dict[str, Any] = {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": min(CONNECT_TIMEOUT_S, timeout_s),
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 30,
        "protocol": 2,
    }
    at = address.parse(url)
    if at.kind == "cluster":
        return _of_cluster(at, options)
    if at.kind == "sentinel":
        return _of_watched(at, options)
    return redis.Redis.from_url(url, **options)


def _of_cluster(at: Address, options: dict[str, Any]) -> Client:
    """It follows redirections, and nothing else is tried again."""
    nodes = [ClusterNode(*node) for node in at.nodes]
    whole = {**options, **at.options, "require_full_coverage": False}
    cluster: Client = RedisCluster(startup_nodes=nodes, **whole)
    cluster.cluster_error_retry_attempts = 0  # redis-py 5: there `retry` is not for this
    return cluster


def _of_watched(at: Address, options: dict[str, Any]) -> Client:
    """It asks the Sentinels whenever it connects."""
    hasty = {**options, **at.tls, "socket_timeout": HURRY_S, "socket_connect_timeout": HURRY_S}
    sentinel = Sentinel(at.nodes, sentinel_kwargs=hasty, **{**options, **at.options})
    return sentinel.master_for(at.master, connection_class=at.connection_class)


def _patient(url: str) -> Client:
    return _client(url, get_settings().block_ms / 1000 + REPLY_MARGIN_S)


def client() -> Client:
    """The client for reading and writing; replies may take a whole blocking period."""
    return _patient(get_settings().redis)


def impatient_client() -> Client:
    """The client for what must not hold a request up."""
    return _client(get_settings().redis, HURRY_S)


def jobs_client() -> Client:
    """The client for RQ's queues."""
    return _patient(get_settings().jobs_redis)


def servers(of: Client) -> dict[str, Client]:
    """The servers behind a client: of a cluster all primaries by name, else the one, unnamed."""
    if not isinstance(of, RedisCluster):
        return {"": of}
    return {node.name: of.get_redis_connection(node) for node in of.get_primaries()}


def on_cluster() -> bool:
    """Are the streams on a cluster?"""
    return address.parse(get_settings().redis).kind == "cluster"


def pubsub() -> Any:
    """Something to subscribe to channels with. On a cluster at any node: each hears everything."""
    ours = client()
    at = {"node": ours.get_random_node()} if on_cluster() else {}
    return ours.pubsub(ignore_subscribe_messages=True, **at)
