"""Registers and runs upcasters, which turn an event's data of one version into the next.

They run wherever an event is created from a row, an entry or a delivery. Stored data do not change,
so an upcaster can be fixed later.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from carveout.errors import DeclarationInvalid, UpcastFailed
from carveout.events import declarations
from carveout.events.event import ReceivedEvent

logger = logging.getLogger(__name__)

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]

registry: dict[str, Mapping[int, Upcaster]] = {}
"""Declared in this process: by event type, then by the version that they start from."""

_failing: set[tuple[str, int]] = set()
"""Logged failures, so that a replay does not log one for each event."""
_object = msgspec.json.Decoder(dict[str, Any])


def upcast(type_name: str, *, version: int = 0) -> Callable[[Upcaster], Upcaster]:
    """Declare a function that turns data of this version into data of the next one.

    It gets the data as a dict, may change it, and returns a dict that JSON can hold. Declare it in
    `events.py` beside the event. A subscriber in another deployment may have one of its own, in
    `subscribers.py`.

    Raises: DeclarationInvalid: the version already has an upcaster or is not valid; or a call of
        the function would not run it.
    """
    if not isinstance(type_name, str):
        raise declarations.not_called('upcast("<context>.<Event>", version=1)', type_name)

    def declare(function: Upcaster) -> Upcaster:
        declarations.check_sync(function, f"Upcaster {name_of(function)}")
        if type_name.count(".") != 1 or type(version) is not int or version < 1:
            raise DeclarationInvalid(
                f"Upcaster {name_of(function)}: write @carveout.upcast('<context>.<Event>',"
                " version=<a whole number from 1>)."
            )
        known = registry.get(type_name, {})
        who = f"The upcaster from version {version} of {type_name}"
        declarations.check_only(known.get(version), function, who)
        registry[type_name] = {**known, version: function}
        return function

    return declare


def name_of(function: Upcaster) -> str:
    return f"{function.__module__}.{getattr(function, '__qualname__', repr(function))}"


def upcast_event(event: ReceivedEvent) -> ReceivedEvent:
    """The event in the newest version that is known here.

    If an upcaster fails it stays as it is; `upcast_or_fail` finds that before a handler gets it.
    """
    if event.type not in registry:
        return event
    try:
        return _raised(event)
    except UpcastFailed as error:
        _report(event.type, event.version, error)
        return event


def upcast_json(type_name: str, version: int, data: str) -> tuple[int, str]:
    """As `upcast_event`, for data as stored JSON."""
    if version not in registry.get(type_name, ()):
        return version, data
    try:
        reached, raised = _raise(type_name, version, data)
    except UpcastFailed as error:
        _report(type_name, version, error)
        return version, data
    return reached, msgspec.json.encode(raised).decode()


def upcast_or_fail(events: Sequence[ReceivedEvent]) -> Sequence[ReceivedEvent]:
    """The events in the newest version. Raises: UpcastFailed: one can't be upcast."""
    return [_raised(event) for event in events] if registry else events


def _raised(event: ReceivedEvent) -> ReceivedEvent:
    if event.version not in registry.get(event.type, ()):
        return event
    version, data = _raise(event.type, event.version, msgspec.json.encode(event.data))
    return msgspec.structs.replace(event, version=version, data=data)


def _raise(type_name: str, version: int, data: str | bytes) -> tuple[int, dict[str, Any]]:
    """Upcast step by step. Each result is encoded and decoded as on the wire."""
    chain, reached = registry[type_name], version
    try:
        found = _object.decode(data)
        while reached in chain:
            found = _object.decode(msgspec.json.encode(chain[reached](found)))
            reached += 1
    except Exception as error:
        raise UpcastFailed(
            f"{type_name}: {name_of(chain[reached])} can't turn data of version {reached} into"
            f" version {reached + 1} ({error!r}). Fix it and retry."
        ) from error
    _failing.discard((type_name, version))
    return reached, found


def _report(type_name: str, version: int, error: UpcastFailed) -> None:
    if (type_name, version) not in _failing:
        logger.error("%s It stays as it is until then.", error)
    _failing.add((type_name, version))
