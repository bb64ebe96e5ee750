"""Declares event types, which are thin facts, and the form in which subscribers receive them."""

import math
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar, cast

import msgspec
from django.db.models import Model

from carveout.conf import context_of, validation
from carveout.errors import DeclarationInvalid, InvalidEvent
from carveout.events import declarations
from carveout.runtime.struct_meta import StructMeta

POSITION_MAX = 2**63 - 1
"""The largest position that a column holds."""


EVENT_BYTES_MAX = 64 * 1024
"""The largest size of an event's data; a thin fact is far smaller."""
CARRIED_BYTES_MAX = 512 * 1024
"""The largest size of a carried lookup."""
ENTRY_BYTES_MAX = 1024 * 1024
"""The largest stream entry that is one of Carveout's: data, carried lookup and attributes."""
VERSION_MAX = 32_767
KEY_MAX = 255
"""The size of the log's column."""
DEPTH_MAX = 100
"""How deep lists and objects may be nested. Readers can take less than Python's limit."""

T = TypeVar("T")


class PartitionRef(NamedTuple):
    """Which partition of which context's log."""

    context: str
    number: int

    def __str__(self) -> str:
        return f"{self.context}.{self.number}"


registry: dict[str, type["Event"]] = {}
"""Event types declared in this process, by full name."""


class EventMeta(StructMeta):
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
            _declare(cast("type[Event]", cls), key, carries, version)
        return cls

    if not TYPE_CHECKING:  # type checkers know a Struct's constructor, but not this one

        def __call__(cls, *args: Any, **fields: Any) -> Any:  # noqa: N805 - of a metaclass
            """Raises: TypeError: a field is unknown or missing; the message lists the fields."""
            try:
                return super().__call__(*args, **fields)
            except TypeError as error:
                if problem := _misfit(cls, args, fields):
                    raise TypeError(problem) from error
                raise


class Event(msgspec.Struct, metaclass=EventMeta):
    """A fact that happened in a context: identity and key, no state.

    Subclass in `events.py` with `key="<field>"`; events of one key are handled in order.
    `carries="<context>.<lookup>"` puts that lookup's representation into the event.
    `version=2` and so on means that the fields have changed; see `carveout.upcast`.
    """

    event_key: ClassVar[str] = ""
    event_carries: ClassVar[str] = ""
    event_version: ClassVar[int] = 1

    if TYPE_CHECKING:

        def __init_subclass__(cls, *, key: str, carries: str = "", version: int = 1) -> None: ...


def _misfit(cls: type[Event], args: tuple[Any, ...], given: Iterable[str]) -> str:
    """The mistakes in a constructor's field names; empty if there are none."""
    known, given = cls.__struct_fields__, list(given)
    needed = [each.name for each in msgspec.structs.fields(cls) if each.required]
    lacking = ", ".join(repr(name) for name in needed if name not in given)
    found = [validation.unknown(name, known, "field") for name in given if name not in known]
    if lacking:
        found.append(f"Missing: {lacking}.")
    if args:
        found = ["give its fields by name."]
    if not found or not cls.event_key:
        return ""
    return f"{type_name(cls)}: {' '.join(found)} Its fields: {', '.join(known)}."


def type_name(event_type: type[Event]) -> str:
    """`<context>.<class name>`."""
    return f"{context_of(event_type.__module__).name}.{event_type.__name__}"


def key_of(event: Event) -> str:
    """Raises: InvalidEvent: some database can't store it."""
    key = _text(str(getattr(event, type(event).event_key)))
    if len(key) > KEY_MAX or "\0" in key or not _is_unicode(key):
        raise InvalidEvent(
            f"{type_name(type(event))}: its key {type(event).event_key}={key[:KEY_MAX]!r} can't be"
            f" stored. A key has at most {KEY_MAX} characters (this one has {len(key)}), no"
            " NUL and no lone surrogates. Use a number, a UUID or a short code as the key."
        )
    return key


def encode(event: Event) -> bytes:
    """The event's data as JSON, each field encoded as its declared type.

    Raises: InvalidEvent: a field has a value that its declaration does not allow.
    """
    try:
        data = msgspec.json.encode(event, enc_hook=_plain)
        _check_numbers(event, data)
        data = msgspec.json.encode(msgspec.json.decode(data, type=type(event)))
        _check_depth(data)
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError) as error:
        raise InvalidEvent(
            f"{type_name(type(event))}: {_instance(event) or error}. Nothing was stored. Fix the"
            f" value, or the field's type at {declarations.location_of(type(event))}."
        ) from error
    if len(data) > EVENT_BYTES_MAX:
        raise InvalidEvent(
            f"{type_name(type(event))}: {len(data)} bytes of data, at most {EVENT_BYTES_MAX} are"
            " allowed. Keep identity and key in the event and let subscribers look the rest up."
        )
    return data


def _instance(event: Event) -> str:
    """A message about a field that holds a model instance; empty if none does."""
    for name in event.__struct_fields__:
        value = getattr(event, name)
        if isinstance(value, Model):
            return (
                f"its field {name!r} holds an instance of the model {value._meta.label}. Pass what"
                f" identifies it, as in {name}={value._meta.model_name}.pk, and let subscribers"
                " look the rest up"
            )
    return ""


def _plain(value: Any) -> Any:
    """Encode subclasses of text and numbers, such as Django's SafeString, as text and numbers."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int | float):
        return int(value) if isinstance(value, int) else float(value)
    raise TypeError(f"{type(value).__name__} is not a type that JSON has")


def _text(value: str) -> str:
    """The text as an instance of `str` itself."""
    return str.__str__(value)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_numbers(event: Event, data: bytes) -> None:
    """Reject NaN and infinity, which would become null."""
    if b"null" not in data:
        return
    for level in _levels(msgspec.to_builtins(event, enc_hook=_plain)):
        for value in level:
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"JSON has no number {value}")


def _check_depth(data: bytes) -> None:
    if data.count(b"[") + data.count(b"{") <= DEPTH_MAX:
        return
    depth = sum(1 for _ in _levels(msgspec.json.decode(data))) - 1
    if depth > DEPTH_MAX:
        raise ValueError(f"its data are nested {depth} deep, at most {DEPTH_MAX} can be read")


def _levels(value: Any) -> Iterator[list[Any]]:
    """A value, then its items, then theirs, and so on."""
    level = [value]
    while level:
        yield level
        level = [child for each in level for child in _children(each)]


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list | tuple) else ()


class ReceivedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as a subscriber gets it. The data's fields are also attributes."""

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
    """The carried representation, if the event's type carries a lookup."""
    carries: str = ""
    """Full name of the carried lookup."""
    version: int = 1
    """Version of these data; upcasters may have raised it."""
    seam: str = ""
    """The seam that published it; only subscriptions of that seam handle it."""

    def as_(self, kind: Callable[..., T]) -> T:
        """The data with types: a dataclass or msgspec.Struct with the fields that you use.

        Raises: InvalidEvent: the data do not fit it.
        """
        try:
            data = msgspec.json.encode(self.data)
            return cast("T", msgspec.json.decode(data, type=cast("Any", kind)))
        except (msgspec.MsgspecError, RecursionError) as error:
            raise InvalidEvent(
                f"{self.type} {self.key!r} as {getattr(kind, '__name__', kind)}: {error}."
            ) from error

    def __getattr__(self, name: str) -> Any:
        try:
            return self.data[name]
        except (KeyError, TypeError):  # a row changed by hand may not hold an object
            raise AttributeError(
                f"{self.type} has no field {name!r}; it has {', '.join(self.data or ())}."
            ) from None


current_event: ContextVar[ReceivedEvent | None] = ContextVar("carveout_cause", default=None)
"""The event that is being handled."""
current_subscription: ContextVar[str] = ContextVar("carveout_hearer", default="")
"""The subscription whose handler runs."""


def _declare(cls: type[Event], key: str, carries: str, version: int) -> None:
    full_name, who = type_name(cls), f"{cls.__module__}.{cls.__name__}"
    declarations.check_name(full_name, f"Event {who}")
    declarations.check_name(carries, f"What {who} carries")
    declarations.check_only(registry.get(full_name), cls, f"Event {full_name}")
    _check_fields(cls, who)
    if key not in cls.__struct_fields__:
        raise DeclarationInvalid(
            f"{cls.__module__}.{cls.__name__}: key={key!r} is not one of its fields."
            f" Write key=<one of {', '.join(cls.__struct_fields__) or 'its fields'}>."
        )
    if type(version) is not int or not 1 <= version <= VERSION_MAX:
        raise DeclarationInvalid(
            f"{cls.__module__}.{cls.__name__}: version={version!r} is not a whole number"
            " of at least 1."
        )
    cls.event_key, cls.event_carries, cls.event_version = key, carries, version
    registry[full_name] = cls


def _check_fields(cls: type[Event], who: str) -> None:
    """Reject field names that received events use: handlers could never read these fields."""
    for name in cls.__struct_fields__:
        if hasattr(ReceivedEvent, name) or hasattr(Event, name):
            raise DeclarationInvalid(
                f"{who}: every received event has an attribute {name!r} of its own, so no handler"
                f" could read the field {name!r}. Rename the field, as in 'order_{name}'."
            )


class NewRecord(NamedTuple):
    """An event as stored before it has a position; the fields are columns."""

    event_id: uuid.UUID
    time: datetime
    context: str
    type: str
    version: int
    key: str
    data: str
    carries: str
    carried: str
    correlation_id: str
    causation_id: str
    traceparent: str
    seam: str = ""


class Record(NamedTuple):
    """A sequenced event; the fields are columns. Times are ISO 8601, `data` is JSON."""

    position: int
    event_id: str
    type: str
    version: int
    key: str
    time: str
    data: str
    carries: str
    carried: str
    correlation_id: str
    causation_id: str
    traceparent: str
    seam: str = ""
