"""Events: thin facts that a context announces, and what a subscriber receives."""

import uuid
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from carveout.conf import context_of
from carveout.errors import DeclarationInvalid, InvalidEvent

EVENT_BYTES_MAX = 64 * 1024
"""An event's data may not be larger; a thin fact is far below it."""
CARRIED_BYTES_MAX = 512 * 1024
"""What an event carries may not be larger."""
ENTRY_BYTES_MAX = 1024 * 1024
"""An entry of a stream that is larger is none of ours: data, what is carried, and attributes."""
VERSION_MAX = 32_767
"""What the log's column holds."""

Place = tuple[str, int]
"""A context and the number of one of its partitions."""

registry: dict[str, type["Event"]] = {}
"""Event types declared in this process, by full name."""


class EventMeta(type(msgspec.Struct)):  # type: ignore[misc]
    """Takes `key`, `carries` and `version` as class keywords and makes a frozen struct."""

    def __new__(
        mcs,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        key: str = "",
        carries: str = "",
        version: int = 1,
    ) -> "EventMeta":
        cls = super().__new__(mcs, name, bases, namespace, frozen=True, kw_only=True)
        if bases != (msgspec.Struct,):
            _declare(cls, key, carries, version)
        return cls  # type: ignore[no-any-return]


class Event(msgspec.Struct, metaclass=EventMeta):
    """A fact that happened in a context: identity and key, no state.

    Subclass in `events.py` with `key="<field>"`; events of one key are handled in order.
    `carries="<context>.<lookup>"` makes that lookup's representation travel in the event.
    `version=2` and so on says that the fields are not those of before; see `carveout.upcast`.
    """

    event_key: ClassVar[str] = ""
    event_carries: ClassVar[str] = ""
    event_version: ClassVar[int] = 1

    if TYPE_CHECKING:

        def __init_subclass__(cls, *, key: str, carries: str = "", version: int = 1) -> None: ...


def type_name(event_type: type[Event]) -> str:
    """`<context>.<class name>`."""
    return f"{context_of(event_type.__module__).name}.{event_type.__name__}"


def key_of(event: Event) -> str:
    return str(getattr(event, type(event).event_key))


def encode(event: Event) -> bytes:
    """The event's data as JSON.

    Raises: InvalidEvent: a field has a value that its declaration does not allow.
    """
    try:
        data = msgspec.json.encode(event)
        msgspec.json.decode(data, type=type(event))
    except (msgspec.MsgspecError, TypeError, ValueError) as error:
        raise InvalidEvent(
            f"{type(event).__name__}: {error}. Mend the value, or the field's type in"
            f" {type(event).__module__}."
        ) from error
    if len(data) > EVENT_BYTES_MAX:
        raise InvalidEvent(
            f"{type(event).__name__}: {len(data)} bytes of data, at most {EVENT_BYTES_MAX} are"
            " allowed. Keep identity and key in the event and let subscribers look the rest up."
        )
    return data


class ReceivedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as a subscriber gets it. The data's fields are attributes too."""

    id: uuid.UUID
    type: str
    context: str
    partition: int
    position: int
    key: str
    time: datetime
    data: dict[str, Any]
    correlation_id: str = ""
    causation_id: str = ""
    traceparent: str = ""
    carried: dict[str, Any] | None = None
    """The representation that the event's type carries, if it carries one."""
    carries: str = ""
    """Full name of the carried lookup."""
    version: int = 1
    """Of the event's type, as the data are here: upcasters may have raised it."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self.data[name]
        except (KeyError, TypeError):  # somebody changed a row by hand, and it is no object
            raise AttributeError(
                f"{self.type} has no field {name!r}; it has {', '.join(self.data or ())}."
            ) from None


cause: ContextVar[ReceivedEvent | None] = ContextVar("carveout_cause", default=None)
"""The event that is being handled."""
hearer: ContextVar[str] = ContextVar("carveout_hearer", default="")
"""The subscription whose handler runs."""


def _declare(cls: type[Event], key: str, carries: str, version: int) -> None:
    if key not in cls.__struct_fields__:
        raise DeclarationInvalid(
            f"{cls.__module__}.{cls.__name__}: key={key!r} names no field of it."
            f" Say key=<one of {', '.join(cls.__struct_fields__) or 'its fields'}>."
        )
    if type(version) is not int or not 1 <= version <= VERSION_MAX:
        raise DeclarationInvalid(
            f"{cls.__module__}.{cls.__name__}: version={version!r} is no whole number from 1."
        )
    cls.event_key, cls.event_carries, cls.event_version = key, carries, version
    registry[type_name(cls)] = cls
