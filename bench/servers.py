"""The PostgreSQL and the Redis of a run: the ones that the environment names, or our own."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
from psycopg import sql

from tests.servers import PostgresForTests, ValkeyForTests

PREFIX = "carveout_bench_"


@contextmanager
def started() -> Iterator[tuple[str, str]]:
    """Yields: the URLs of PostgreSQL and Redis."""
    with _postgres() as postgres_url, _redis() as redis_url:
        yield postgres_url, redis_url


@contextmanager
def _postgres() -> Iterator[str]:
    if url := os.environ.get("DATABASE_URL"):
        try:
            yield url
        finally:
            _drop_databases(url)
        return
    server = PostgresForTests(durable=True)
    url = server.url("postgres")
    # As it comes: commits wait for the disk.
    _execute(url, sql.SQL("ALTER SYSTEM RESET ALL"))
    _execute(url, sql.SQL("SELECT pg_reload_conf()"))
    try:
        yield url
    finally:
        server.close()


@contextmanager
def _redis() -> Iterator[str]:
    if url := os.environ.get("REDIS_URL"):
        with redis.Redis.from_url(url) as client:
            if client.info("keyspace"):
                raise SystemExit(f"{url} is not empty, and measuring empties it. Name another.")
        yield url
        return
    server = ValkeyForTests()
    server.start()
    try:
        yield server.url
    finally:
        server.close()


def new_database(url: str) -> str:
    """An empty database on the server of a URL. Returns: its URL."""
    name = f"{PREFIX}{uuid.uuid4().hex[:8]}"
    _execute(url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def drop_database(url: str) -> None:
    name = sql.Identifier(urlsplit(url).path[1:])
    admin = urlunsplit(urlsplit(url)._replace(path="/postgres"))
    _execute(admin, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def _drop_databases(url: str) -> None:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT datname FROM pg_database").fetchall()
    for (name,) in found:
        if name.startswith(PREFIX):
            drop_database(urlunsplit(urlsplit(url)._replace(path=f"/{name}")))


def empty_redis(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.flushall()


def versions(postgres_url: str, redis_url: str) -> dict[str, str]:
    with psycopg.connect(postgres_url) as connection:
        postgres = connection.execute("SHOW server_version").fetchone()
    with redis.Redis.from_url(redis_url) as client:
        info = client.info("server")
    name = "valkey" if "valkey_version" in info else "redis"
    return {"postgresql": postgres[0] if postgres else "", name: info[f"{name}_version"]}


def _execute(url: str, statement: sql.Composable) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
