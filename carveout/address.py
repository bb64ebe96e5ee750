"""Where Redis is, read from its URL: one server, a server that Sentinels watch, or a cluster."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import SplitResult, unquote, urlsplit

from redis.connection import parse_url

from carveout.sentinel import SentinelConnection, SentinelTLSConnection

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
class Address:
    """What a URL says."""

    url: str
    kind: Kind = "server"
    nodes: tuple[tuple[str, int], ...] = ()
    """Hosts and ports of the Sentinels, or of some nodes of the cluster."""
    master: str = ""
    """The name under which the Sentinels watch it."""
    options: dict[str, Any] = field(default_factory=dict)
    """Of connections to the watched server or the cluster. A single server's stay in its URL."""

    @property
    def connection_class(self) -> type[SentinelConnection]:
        return SentinelTLSConnection if self.options.get("ssl") else SentinelConnection

    @property
    def tls(self) -> dict[str, Any]:
        return {name: value for name, value in self.options.items() if name.startswith("ssl")}


@lru_cache(maxsize=16)
def parse(url: str) -> Address:
    """Read a URL.

    Raises: ValueError: what is wrong with it, and what to write instead.
    """
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
            raise ValueError("a cluster has no databases with a number: end it behind the hosts")
        return Address(url, kind, nodes, options=options)
    if not name:
        raise ValueError("name the server that the Sentinels watch behind the hosts: …/mymaster")
    return Address(url, kind, nodes, unquote(name), options | {"db": _database(database)})


def hidden(url: str) -> str:
    """The URL as it may be shown: without passwords."""
    url = re.sub(r"//([^:@/]*):.*@", r"//\1:***@", url)
    return re.sub(r"(password=)[^&]*", r"\1***", url)


def rq_options(url: str) -> dict[str, Any] | None:
    """How django-rq wants to be told; None for a cluster.

    A URL with a mistake is told by the system check.
    """
    try:
        address = parse(url)
    except ValueError:
        return {"URL": url}
    if address.kind == "cluster":
        return None
    if address.kind == "server":
        return {"URL": url}
    limits = {"socket_connect_timeout": RQ_CONNECT_TIMEOUT_S, **address.tls}
    return {
        "SENTINELS": list(address.nodes),
        "MASTER_NAME": address.master,
        "DB": address.options["db"],
        "USERNAME": address.options.get("username"),
        "PASSWORD": address.options.get("password"),
        "SOCKET_TIMEOUT": RQ_SOCKET_TIMEOUT_S,
        "CONNECTION_KWARGS": {**limits, "connection_class": address.connection_class},
        "SENTINEL_KWARGS": {**limits, "socket_timeout": RQ_CONNECT_TIMEOUT_S},
    }


# What is wrong is never repeated here: it may be a piece of a password.


def _server(url: str, parts: SplitResult) -> Address:
    hosts = parts.netloc.rpartition("@")[2]
    if "," in hosts:
        raise ValueError("several hosts need redis+sentinel:// or redis+cluster://")
    if parts.scheme != "unix":
        _node(hosts, PORTS["cluster"])
        _database(parts.path.strip("/"))
    parse_url(url)
    return Address(url)


def _node(host: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{host}")
    try:
        return parts.hostname or "localhost", parts.port or port
    except ValueError:
        raise ValueError(
            "a port must be a number; write / : @ ? # of a password as %2F %3A %40 %3F %23"
        ) from None


def _database(path: str) -> int:
    if path and not path.isdecimal():
        raise ValueError("a database is a number, as in …/0")
    return int(path or 0)
