"""Contracts of running deployments: each worker tells those of the contexts that it hosts.

They lie in Redis, so that the map and its check know of contexts whose code is elsewhere. A Redis
that lost them hears them again within half a minute.
"""

import logging
import os
import socket
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from carveout import inbound
from carveout.conf import get_settings
from carveout.connection import impatient_client
from carveout.contracts import folder as folders
from carveout.contracts.contract import Contract
from carveout.contracts.declared import declared
from carveout.notice import tell

logger = logging.getLogger(__name__)

KEY = "carveout:contracts"
SINCE = "carveout:contracts:since"
"""When a subscription was first told of, in seconds since 1970."""
TELL_EVERY_S = 30.0

_told_at: dict[tuple[str, ...], float] = {}


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A contract as a worker told it. `at` is in seconds since 1970."""

    contract: Contract
    by: str
    at: float


def keep_telling(contexts: Iterable[str]) -> None:
    """Tell the contracts of these contexts, which are hosted here, unless that was done lately.

    Never fails and waits for nobody: what it tells may get lost.
    """
    names = tuple(sorted(contexts))
    told_at = _told_at.get(names)
    if told_at is not None and time.monotonic() - told_at < TELL_EVERY_S:
        return
    _told_at[names] = time.monotonic()
    if not get_settings().uses_redis:
        return
    for name in names:
        try:
            _tell(declared(name))
        except Exception:  # an order is worth more than the map
            logger.exception("The contract of %s can't be told to other deployments", name)


def _tell(declared: Contract) -> None:
    now = time.time()
    told = Told(contract=declared, by=f"{socket.gethostname()} {os.getpid()}", at=now)
    tell("HSET", KEY, declared.context, msgspec.json.encode(told))
    for subscriptions in declared.hears.values():
        for subscription in subscriptions:
            tell("HSETNX", SINCE, subscription, f"{now:.3f}")


def told() -> dict[str, Told]:
    """What running deployments told, by context, without what another release wrote otherwise.

    Raises: redis.RedisError, OSError: Redis did not answer.
    """
    found = inbound.fields(impatient_client(), KEY, _told)
    if others := [name for name, each in found.items() if each.contract.context != name]:
        inbound.ignore(KEY, "has contracts that are of another context", others[0])
    return {name: each for name, each in found.items() if each.contract.context == name}


def _told(raw: bytes) -> Told:
    """Raises: msgspec.MsgspecError, RecursionError: it is no contract, or another release's."""
    return msgspec.json.decode(raw, type=Told)


def since() -> dict[str, float]:
    """When each subscription was first told of. Raises: redis.RedisError, OSError: no answer."""
    return inbound.fields(impatient_client(), SINCE, inbound.moment)


def known(folder: Path, elsewhere: dict[str, Told]) -> dict[str, Contract]:
    """What is true now: the code of what is hosted here, else what runs, else the files."""
    settings = get_settings()
    running = {
        name: each.contract
        for name, each in elsewhere.items()
        if name in settings.contexts and not settings.hosts(name)
    }
    return folders.known(folder) | running


def forget() -> None:
    """Begin anew, as in a new process."""
    _told_at.clear()
