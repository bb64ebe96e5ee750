"""Lookups: the fields that a reader uses of what another context offers."""

import time
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

import msgspec
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer

from carveout.conf import context_of, get_settings, validation
from carveout.errors import DeclarationInvalid, LookupNotFound, LookupRefused
from carveout.lookups import http
from carveout.lookups.provider import (
    KEYS_PER_REQUEST,
    providers,
    serialize,
    serialize_page,
)
from carveout.lookups.replica import Seen
from carveout.runtime.struct_meta import StructMeta
from carveout.telemetry import counters, notes

readers: list[type["Lookup"]] = []
"""Readers declared in this process."""


class LookupMeta(StructMeta):
    """Takes `of` and `by` as class keywords and makes a frozen struct."""

    def __new__(
        mcs,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        of: str = "",
        by: str = "",
    ) -> "LookupMeta":
        cls = super().__new__(mcs, name, bases, namespace, frozen=True, kw_only=True)
        if bases != (msgspec.Struct,):
            _declare_reader(cast("type[Lookup]", cls), of, by)
        return cls


class Lookup(msgspec.Struct, metaclass=LookupMeta):
    """A reader of another context's lookup, with only the fields that it uses.

    Subclass in `lookups.py` with `of="<context>.<lookup>"`. `by` names the event's field that
    holds the key, if it is not the event's own key.
    """

    lookup_of: ClassVar[str] = ""
    lookup_by: ClassVar[str] = ""
    lookup_reader: ClassVar[str] = ""
    lookup_fetch: ClassVar[Callable[[Iterable[str]], dict[str, Any]] | None] = None
    """Fetches what handlers get, instead of `look_up_many`."""

    if TYPE_CHECKING:

        def __init_subclass__(cls, *, of: str, by: str = "") -> None: ...


L = TypeVar("L", bound=Lookup)


def _declare_reader(cls: type[Lookup], of: str, by: str) -> None:
    if of.count(".") != 1:
        raise DeclarationInvalid(
            f"{cls.__module__}.{cls.__name__}: of={of!r} is not a lookup's name."
            ' Write of="<context>.<lookup>".'
        )
    cls.lookup_of, cls.lookup_by = of, by
    cls.lookup_reader = context_of(cls.__module__).name
    same = (cls.__module__, cls.__qualname__)  # from before a reload of its module
    readers[:] = [each for each in readers if (each.__module__, each.__qualname__) != same]
    readers.append(cls)


def look_up(reader: type[L], key: str) -> L:
    """Fetch one object of another context.

    Raises: LookupNotFound: the owner has no object with this key.
            LookupUnavailable, LookupRefused: as for `look_up_many`.
    """
    found = look_up_many(reader, [key])
    if key not in found:
        raise LookupNotFound(f"{reader.lookup_of} has no {key!r}.")
    return found[key]


def look_up_many(
    reader: type[L], keys: Iterable[str], *, seen: Seen | None = None, primary: bool = False
) -> dict[str, L]:
    """Fetch objects of another context by key, without unknown keys. Not in a transaction.

    seen: an event of the owner; the objects are not older than it.
    primary: whatever was committed before this call is in the answer, also if the lookup usually
        reads from a replica.

    Raises: LookupUnavailable: the owner did not answer, or not yet; call again later.
            LookupRefused: the owner does not offer what the reader declares.
    """
    ordered = list(dict.fromkeys(keys))
    found: dict[str, L] = {}
    for start in range(0, len(ordered), KEYS_PER_REQUEST):
        some = ordered[start : start + KEYS_PER_REQUEST]
        params = [("key", key) for key in some]
        if seen:
            params.append(("seen", f"{seen[0]}.{seen[1]}"))
        if primary:
            params.append(("primary", "1"))
        answer = partial(serialize, keys=some, seen=seen, primary=primary)
        found |= _counted(reader, len(some), params, answer)
    return found


def look_up_page(reader: type[L], after: str, limit: int) -> dict[str, L]:
    """Fetch the next objects of another context, in the order of their keys.

    Whatever was committed before this call is in the answer.

    after: the last key of the page before; empty for the first page.
    limit: at most ROWS_PER_PAGE.

    Raises: LookupUnavailable, LookupRefused: as for `look_up_many`.
    """
    params = [("after", after), ("limit", str(limit))]
    return _counted(reader, limit, params, partial(serialize_page, after=after, limit=limit))


Params = list[tuple[str, str]]
"""What a request asks for, apart from its fields."""


def _counted(
    reader: type[L], keys: int, params: Params, in_process: Callable[..., dict[str, Any]]
) -> dict[str, L]:
    began, failed = time.perf_counter(), True
    try:
        found = decode(reader, _ask(reader, params, in_process))
        failed = False
    finally:
        took_s = time.perf_counter() - began
        notes.record_lookup(reader.lookup_of, keys, took_s, failed=failed)
        counters.count_lookup(reader.lookup_reader, reader.lookup_of, took_s, failed=failed)
    return found


def decode(reader: type[L], answer: bytes) -> dict[str, L]:
    """Convert an owner's answer to the reader's type. Raises: LookupRefused: it does not fit."""
    try:
        return cast("dict[str, L]", _decoder(reader).decode(answer))
    except (msgspec.MsgspecError, RecursionError) as error:
        raise LookupRefused(
            f"The answer of {reader.lookup_of} does not fit"
            f" {reader.__module__}.{reader.__name__}: {error}."
        ) from error


def from_carried(reader: type[L], carried: dict[str, Any]) -> L:
    """The reader's fields from a representation that an event carried."""
    return decode(reader, msgspec.json.encode({"carried": carried}))["carried"]


def _ask(reader: type[Lookup], params: Params, in_process: Callable[..., dict[str, Any]]) -> bytes:
    settings = get_settings()
    owner = reader.lookup_of.split(".")[0]
    wanted = reader.__struct_fields__
    if settings.hosts(owner) and settings.lookups == "auto":
        return _ask_in_process(reader.lookup_of, partial(in_process, wanted=wanted))
    resource, fields = f"lookups/{reader.lookup_of}/", ("fields", ",".join(wanted))
    return http.get(reader.lookup_reader, owner, resource, [*params, fields])


def _ask_in_process(of: str, answer: Callable[..., dict[str, Any]]) -> bytes:
    if of not in providers:
        raise LookupRefused(f"There is no lookup {of}. {validation.suggest(of, providers)}")
    try:
        representations = answer(providers[of])
    except ValidationError as error:
        raise LookupRefused(_said(error)) from error
    return JSONRenderer().render(representations)


def _said(error: ValidationError) -> str:
    """REST framework's error text, without its objects."""
    detail = error.detail
    return " ".join(map(str, detail.values() if isinstance(detail, dict) else detail))


@lru_cache(maxsize=512)
def _decoder(reader: type[Lookup]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(dict[str, reader], strict=False)  # type: ignore[valid-type]
