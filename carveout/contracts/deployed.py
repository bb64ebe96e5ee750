"""Announces the contracts of running deployments: each worker does so for its contexts.

They are in Redis, so that the map and its check know contexts whose code is elsewhere. If Redis
loses them, they are announced again within half a minute.
"""

import logging
import os
import socket
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from carveout.conf import get_settings
from carveout.contracts import files as folders
from carveout.contracts.contract import Contract
from carveout.contracts.declared import declared
from carveout.redis import inbound, keys
from carveout.redis.client import fast_client
from carveout.redis.fire_and_forget import send

logger = logging.getLogger(__name__)

ANNOUNCE_EVERY_S = 30.0
GONE_AFTER_S = 4 * ANNOUNCE_EVERY_S
"""A context that is in no settings here is gone when it was silent for so long."""

_announced_at: dict[tuple[str, ...], float] = {}


class AnnouncedContract(msgspec.Struct, frozen=True, kw_only=True):
    """A contract that a worker announced. `at` is in seconds since 1970."""

    contract: Contract
    by: str
    at: float


def announce(contexts: Iterable[str]) -> None:
    """Announce the contracts of these contexts, which are hosted here, unless done recently.

    Never fails and never waits: an announcement may get lost.
    """
    names = tuple(sorted(contexts))
    announced_at = _announced_at.get(names)
    if announced_at is not None and time.monotonic() - announced_at < ANNOUNCE_EVERY_S:
        return
    _announced_at[names] = time.monotonic()
    if not get_settings().uses_redis:
        return
    for name in names:
        try:
            _announce(declared(name))
        except Exception:  # events matter more than the map
            logger.exception("The contract of %s can't be announced to other deployments", name)


def _announce(declared: Contract) -> None:
    now = time.time()
    author = f"{socket.gethostname()} {os.getpid()}"
    message = AnnouncedContract(contract=declared, by=author, at=now)
    send("HSET", keys.CONTRACTS, declared.context, msgspec.json.encode(message))
    for subscriptions in declared.hears.values():
        for subscription in subscriptions:
            send("HSETNX", keys.FIRST_SEEN, subscription, f"{now:.3f}")


def announced() -> dict[str, AnnouncedContract]:
    """The contracts that running deployments announced, by context, without unknown formats.

    Raises: redis.RedisError, OSError: Redis did not answer.
    """
    found = inbound.fields(fast_client(), keys.CONTRACTS, _decoded)
    if others := [name for name, each in found.items() if each.contract.context != name]:
        inbound.ignore(keys.CONTRACTS, "has contracts of another context", others[0])
    return {name: each for name, each in found.items() if each.contract.context == name}


def _decoded(raw: bytes) -> AnnouncedContract:
    """Raises: msgspec.MsgspecError, RecursionError: not a contract, or another release's."""
    return msgspec.json.decode(raw, type=AnnouncedContract)


def announced_since() -> dict[str, float]:
    """When each subscription was first announced. Raises: redis.RedisError, OSError: no answer."""
    return inbound.fields(fast_client(), keys.FIRST_SEEN, inbound.moment)


def known(folder: Path, elsewhere: dict[str, AnnouncedContract]) -> dict[str, Contract]:
    """The current contracts: from code hosted here, else running deployments, else files."""
    settings, now = get_settings(), time.time()
    running = {
        name: each.contract
        for name, each in elsewhere.items()
        if not settings.hosts(name) and (name in settings.contexts or now - each.at < GONE_AFTER_S)
    }
    return folders.known(folder) | running


def reset() -> None:
    """Reset the state to that of a new process."""
    _announced_at.clear()
