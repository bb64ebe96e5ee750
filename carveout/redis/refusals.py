"""Turns Redis errors into Carveout's: refused commands get another fix than missing answers."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.exceptions import RedisClusterException

from carveout.conf import get_settings
from carveout.errors import StreamRefused, StreamSpoiled, StreamUnavailable
from carveout.redis.client import REDIS_ERRORS

_CODES: dict[type[Exception], str] = {
    redis.exceptions.AskError: "MOVED",
    redis.exceptions.NoPermissionError: "NOPERM",
    redis.exceptions.AuthenticationError: "NOAUTH",
    redis.exceptions.ReadOnlyError: "READONLY",
    redis.exceptions.OutOfMemoryError: "OOM",
    redis.exceptions.BusyLoadingError: "LOADING",
    redis.ResponseError: "",
}
"""Error codes that redis-py removes from the text, by class. Other errors keep their code."""
_RENAMED = "Use Redis 6.2 or newer, and do not rename or disable this command there."
_ALLOW = "Allow it for this user; the page *Use your own Redis* has the full list."
_FIXES = {
    "MOVED": "This is a node of a cluster: begin the URL with redis+cluster://.",
    "NOPERM": _ALLOW,
    "ACL failure": _ALLOW,
    "no permissions": _ALLOW,
    "NOAUTH": "Correct the user and the password in the URL.",
    "WRONGPASS": "Correct the user and the password in the URL.",
    "READONLY": "Connect to the primary, or name its Sentinels with redis+sentinel://.",
    "OOM": "Raise maxmemory, or lower STREAM_LENGTH.",
    "LOADING": "Redis is still loading its data: wait.",
    "WRONGTYPE": "Another program wrote to this key. Delete it: `redis-cli DEL {keys}`."
    " Carveout fills it again.",
    "unknown command": _RENAMED,
    "Unknown Redis command": _RENAMED,
    "Cluster mode is not enabled": "This is a single server: begin the URL with redis://.",
}
"""Fixes by text in the error of Redis or of the client."""


def is_wrong_type(error: BaseException) -> bool:
    """Whether the key holds a value of another type than Carveout stores there."""
    return isinstance(error, redis.ResponseError) and "WRONGTYPE" in str(error)


def unavailable(error: BaseException, *keys: str) -> StreamUnavailable:
    """Carveout's error for one of `REDIS_ERRORS`: Redis refused a command, or did not answer.

    keys: those that the command used.
    """
    words = _refused(error)
    if not words:
        return StreamUnavailable(f"Redis did not answer ({error}); nothing is lost. {_start()}")
    fixes = (fix for part, fix in _FIXES.items() if part in words)
    fix = next(fixes, "").replace("{keys}", " ".join(keys) or "KEY")
    about = f" for {' and '.join(keys)}" if keys else ""
    message = f"Redis refused a command{about} ({words}); nothing is lost. {fix}".strip()
    return StreamSpoiled(message) if is_wrong_type(error) else StreamRefused(message)


def _start() -> str:
    if get_settings().redis_url:
        return "Start it, or correct its URL in settings.CARVEOUT."
    return "Run `manage.py up` to start one, or set CARVEOUT['REDIS_URL'] to a running one."


def _refused(error: BaseException) -> str:
    """The error text of Redis; empty if it did not answer."""
    if isinstance(error, RedisClusterException):
        cause = _refused(error.__cause__) if error.__cause__ else ""
        return cause or (str(error) if "Cluster mode is not enabled" in str(error) else "")
    codes = (code for kind, code in _CODES.items() if isinstance(error, kind))
    code = next(codes, None)
    if code is None:
        return ""
    text = str(error).rstrip(".")
    return text if text.startswith(code) or "WRONGPASS" in text else f"{code} {text}".strip()


@contextmanager
def answering(*keys: str) -> Iterator[None]:
    """Raise Carveout's errors for commands about these keys inside the block.

    Raises: StreamUnavailable: it did not answer. StreamRefused: it answered with an error.
            StreamSpoiled: another program wrote to one of the keys.
    """
    try:
        yield
    except REDIS_ERRORS as error:
        raise unavailable(error, *keys) from error
