"""Refusals: Redis answered a command with an error. That is not silence, and other fixes help."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.exceptions import RedisClusterException

from carveout.conf import get_settings
from carveout.connection import REDIS_ERRORS
from carveout.errors import StreamRefused, StreamSpoiled, StreamUnavailable

_CODES: dict[type[Exception], str] = {
    redis.exceptions.AskError: "MOVED",
    redis.exceptions.NoPermissionError: "NOPERM",
    redis.exceptions.AuthenticationError: "NOAUTH",
    redis.exceptions.ReadOnlyError: "READONLY",
    redis.exceptions.OutOfMemoryError: "OOM",
    redis.exceptions.BusyLoadingError: "LOADING",
    redis.ResponseError: "",
}
"""What redis-py takes off an error's text, by its class. Others keep theirs in the text."""
_RENAMED = "Use Redis 6.2 or newer, where this command is neither renamed nor forbidden."
_ALLOW = "Allow it to this user; the page *Use your own Redis* has the whole list."
_FIXES = {
    "MOVED": "This is a node of a cluster: begin the URL with redis+cluster://.",
    "NOPERM": _ALLOW,
    "ACL failure": _ALLOW,
    "no permissions": _ALLOW,
    "NOAUTH": "Correct the user and the password in the URL.",
    "WRONGPASS": "Correct the user and the password in the URL.",
    "READONLY": "Connect to the primary, or name its Sentinels with redis+sentinel://.",
    "OOM": "Raise maxmemory, or lower STREAM_LENGTH.",
    "LOADING": "It is loading its data: wait.",
    "WRONGTYPE": "Another program wrote there. Delete it: `redis-cli DEL {keys}`. The kit"
    " fills it again.",
    "unknown command": _RENAMED,
    "Unknown Redis command": _RENAMED,
    "Cluster mode is not enabled": "This is a single server: begin the URL with redis://.",
}
"""By words that Redis says, or a client that asked it."""


def is_wrong_type(error: BaseException) -> bool:
    """Does the key hold something that is not what the kit puts there?"""
    return isinstance(error, redis.ResponseError) and "WRONGTYPE" in str(error)


def unavailable(error: BaseException, *keys: str) -> StreamUnavailable:
    """The kit's error for one of `REDIS_ERRORS`: Redis refused a command, or gave no answer.

    keys: what the command was about.
    """
    words = _refused(error)
    if not words:
        return StreamUnavailable(f"Redis did not answer ({error}); nothing is lost. {_start()}")
    fixes = (fix for said, fix in _FIXES.items() if said in words)
    fix = next(fixes, "").replace("{keys}", " ".join(keys) or "KEY")
    about = f" for {' and '.join(keys)}" if keys else ""
    told = f"Redis refused a command{about} ({words}); nothing is lost. {fix}".strip()
    return StreamSpoiled(told) if is_wrong_type(error) else StreamRefused(told)


def _start() -> str:
    if get_settings().redis_url:
        return "Start it, or correct its URL in settings.CARVEOUT."
    return "`manage.py up` starts one; or set CARVEOUT['REDIS_URL'] to one that runs."


def _refused(error: BaseException) -> str:
    """Redis's own words; empty if it said nothing."""
    if isinstance(error, RedisClusterException):
        cause = _refused(error.__cause__) if error.__cause__ else ""
        return cause or (str(error) if "Cluster mode is not enabled" in str(error) else "")
    codes = (code for kind, code in _CODES.items() if isinstance(error, kind))
    code = next(codes, None)
    if code is None:
        return ""
    said = str(error).rstrip(".")
    return said if said.startswith(code) or "WRONGPASS" in said else f"{code} {said}".strip()


@contextmanager
def answering(*keys: str) -> Iterator[None]:
    """Inside the block Redis is asked about these keys.

    Raises: StreamUnavailable: it did not answer. StreamRefused: it answered with an error.
            StreamSpoiled: one of them holds what another program wrote.
    """
    try:
        yield
    except REDIS_ERRORS as error:
        raise unavailable(error, *keys) from error
