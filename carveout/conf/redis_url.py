"""Reads a Redis URL: one server, a server that Sentinels monitor, or a cluster."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import SplitResult, unquote, urlsplit

if TYPE_CHECKING:
    from carveout.conf.sentinel import SentinelConnection

# redis-py is imported where a URL is read: the tools for a monolith do not need it.

Kind = Literal["server", "sentinel", "cluster"]
SCHEMES: dict[str, Kind] = {
    "redis": "server",
    "rediss": "server",
    "unix": "server",
    "redis+sentinel": "sentinel",
    "rediss+sentinel": "sentinel",
    "redis+cluster": "cluster",
    "rediss+cluster": "cluster",
}
PORTS = {"sentinel": 26379, "cluster": 6379}

RQ_CONNECT_TIMEOUT_S = 2.0
RQ_SOCKET_TIMEOUT_S = 30.0
"""Longer than a job worker waits for a job; a shorter limit would be replaced by RQ."""


@dataclass(frozen=True)
class RedisUrl:
    """The parts of a Redis URL."""

    url: str
    kind: Kind = "server"
    nodes: tuple[tuple[str, int], ...] = ()
    """Hosts and ports of the Sentinels, or of some nodes of the cluster."""
    master: str = ""
    """The name of the primary that the Sentinels monitor."""
    options: dict[str, Any] = field(default_factory=dict)
    """Options for the monitored server or the cluster. A single server's stay in its URL."""

    @property
    def connection_class(self) -> "type[SentinelConnection]":
        from carveout.conf.sentinel import SentinelConnection, SentinelTLSConnection

        return SentinelTLSConnection if self.options.get("ssl") else SentinelConnection

    @property
    def tls(self) -> dict[str, Any]:
        return {name: value for name, value in self.options.items() if name.startswith("ssl")}


@lru_cache(maxsize=16)
def parse(url: str) -> RedisUrl:
    """Read a URL.

    Raises: ValueError: it is not valid, with what to write instead.
    """
    from redis.connection import parse_url

    parts = urlsplit(url)
    kind = SCHEMES.get(parts.scheme)
    if kind is None:
        raise ValueError(f"it must begin with one of {', '.join(f'{each}://' for each in SCHEMES)}")
    if kind == "server":
        return _server(url, parts)
    user, at, hosts = parts.netloc.rpartition("@")
    if not all(hosts.split(",")):
        raise ValueError("a host is missing")
    nodes = tuple(_node(host, PORTS[kind]) for host in hosts.split(","))
    options = parse_url(f"redis://{user}{at}/?{parts.query}")
    if parts.scheme.startswith("rediss"):
        options["ssl"] = True
    name, _, database = parts.path.strip("/").partition("/")
    if kind == "cluster":
        if name or "db" in options:
            raise ValueError("a cluster has no numbered databases: end the URL after the hosts")
        return RedisUrl(url, kind, nodes, options=options)
    if not name:
        raise ValueError("add the name of the primary after the hosts, as in …/mymaster")
    return RedisUrl(url, kind, nodes, unquote(name), options | {"db": _database(database)})


def redacted(url: str) -> str:
    """The URL without passwords, safe to show."""
    url = re.sub(r"//([^:@/]*):.*@", r"//\1:***@", url)
    return re.sub(r"(password=)[^&]*", r"\1***", url)


def rq_options(url: str) -> dict[str, Any] | None:
    """The connection options of django-rq; None for a cluster.

    An invalid URL is reported by the system check.
    """
    try:
        parsed = parse(url)
    except ValueError:
        return {"URL": url}
    if parsed.kind == "cluster":
        return None
    if parsed.kind == "server":
        return {"URL": url}
    limits = {"socket_connect_timeout": RQ_CONNECT_TIMEOUT_S, **parsed.tls}
    return {
        "SENTINELS": list(parsed.nodes),
        "MASTER_NAME": parsed.master,
        "DB": parsed.options["db"],
        "USERNAME": parsed.options.get("username"),
        "PASSWORD": parsed.options.get("password"),
        "SOCKET_TIMEOUT": RQ_SOCKET_TIMEOUT_S,
        "CONNECTION_KWARGS": {**limits, "connection_class": parsed.connection_class},
        "SENTINEL_KWARGS": {**limits, "socket_timeout": RQ_CONNECT_TIMEOUT_S},
    }


# The invalid part is never shown: it may be a piece of a password.


def _server(url: str, parts: SplitResult) -> RedisUrl:
    from redis.connection import parse_url

    hosts = parts.netloc.rpartition("@")[2]
    if "," in hosts:
        raise ValueError("several hosts need redis+sentinel:// or redis+cluster://")
    if parts.scheme != "unix":
        _node(hosts, PORTS["cluster"])
        _database(parts.path.strip("/"))
    parse_url(url)
    return RedisUrl(url)


def _node(host: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{host}")
    try:
        return parts.hostname or "localhost", parts.port or port
    except ValueError:
        raise ValueError(
            "a port must be a number; in a password, write / : @ ? # as %2F %3A %40 %3F %23"
        ) from None


def _database(path: str) -> int:
    if path and not path.isdecimal():
        raise ValueError("a database must be a number, as in …/0")
    return int(path or 0)
