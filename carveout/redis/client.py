"""Creates clients for Redis or Valkey, with fixed time limits and no silent retries."""

from functools import lru_cache
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import RedisClusterException
from redis.retry import Retry
from redis.sentinel import Sentinel

from carveout.conf import get_settings, redis_url
from carveout.conf.redis_url import RedisUrl

CONNECT_TIMEOUT_S = 2.0
REPLY_MARGIN_S = 5.0
"""How much longer than the longest blocking call a reply may take."""
HURRY_S = 0.5

Client = Any
"""A redis-py client. Its annotations differ between releases, so they are not used."""

REDIS_ERRORS = (redis.RedisError, RedisClusterException, OSError)


@lru_cache(maxsize=8)
def _client(url: str, timeout_s: float) -> Client:
    """Create a client, with one pool per URL and time limit.

    A client that repeats a command on its own could add an entry twice, so it never does. The
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
    parsed = redis_url.parse(url)
    if parsed.kind == "cluster":
        return _of_cluster(parsed, options)
    if parsed.kind == "sentinel":
        return _of_watched(parsed, options)
    return redis.Redis.from_url(url, **options)


def _of_cluster(parsed: RedisUrl, options: dict[str, Any]) -> Client:
    """A client for a cluster: it follows redirections and retries nothing else."""
    nodes = [ClusterNode(*node) for node in parsed.nodes]
    whole = {**options, **parsed.options, "require_full_coverage": False}
    cluster: Client = RedisCluster(startup_nodes=nodes, **whole)
    cluster.cluster_error_retry_attempts = 0  # redis-py 5: `retry` does not cover this there
    return cluster


def _of_watched(parsed: RedisUrl, options: dict[str, Any]) -> Client:
    """A client that asks the Sentinels whenever it connects."""
    hasty = {**options, **parsed.tls, "socket_timeout": HURRY_S, "socket_connect_timeout": HURRY_S}
    sentinel = Sentinel(parsed.nodes, sentinel_kwargs=hasty, **{**options, **parsed.options})
    return sentinel.master_for(parsed.master, connection_class=parsed.connection_class)


def _patient(url: str) -> Client:
    return _client(url, get_settings().block_ms / 1000 + REPLY_MARGIN_S)


def client() -> Client:
    """The client for reading and writing; replies may take a whole blocking period."""
    return _patient(get_settings().redis)


def fast_client() -> Client:
    """The client for commands that must not delay a request."""
    return _client(get_settings().redis, HURRY_S)


def jobs_client() -> Client:
    """The client for RQ's queues."""
    return _patient(get_settings().jobs_redis)


def servers(of: Client) -> dict[str, Client]:
    """The servers behind a client: a cluster's primaries by name, else one, unnamed."""
    if not isinstance(of, RedisCluster):
        return {"": of}
    return {node.name: of.get_redis_connection(node) for node in of.get_primaries()}


def on_cluster() -> bool:
    """Whether the streams are on a cluster."""
    return redis_url.parse(get_settings().redis).kind == "cluster"


def pubsub() -> Any:
    """Create a channel subscriber. On a cluster, at any node: each receives all messages."""
    ours = client()
    at = {"node": ours.get_random_node()} if on_cluster() else {}
    return ours.pubsub(ignore_subscribe_messages=True, **at)
