"""Lookups: what a context offers to others, and the fields that a reader uses."""

import inspect
import re
import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

import msgspec
from django.contrib.auth import get_permission_codename
from django.core.exceptions import ValidationError as FieldInvalid
from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ListSerializer, Serializer
from rest_framework.viewsets import GenericViewSet

from carveout.conf import context_of, get_settings, validation
from carveout.errors import DeclarationInvalid, LookupBehind, LookupNotFound, LookupRefused
from carveout.events import declarations
from carveout.lookups import http
from carveout.lookups.authentication import (
    ContextTokenAuthentication,
    IsContextOrStaff,
    StaffAuthentication,
)
from carveout.lookups.pinned_views import PinnedView
from carveout.lookups.replica import Seen, check_caught_up
from carveout.telemetry import counters, notes

KEYS_PER_REQUEST = 100
UNFIT = (TypeError, ValueError, OverflowError, FieldInvalid)
"""Errors that Django raises for an invalid number or UUID."""
_SEEN = re.compile(r"([0-9]{1,4})\.([0-9]{1,18})")

providers: dict[str, type["LookupViewSet"]] = {}
"""Lookups of the contexts hosted here, by full name."""
readers: list[type["Lookup"]] = []
"""Readers declared in this process."""


class LookupViewSet(PinnedView, GenericViewSet[Any]):
    """One read-only lookup. Set `queryset` and `serializer_class`, decorate with `lookup`.

    Other contexts may read it, and staff who may view its model.
    """

    authentication_classes = [ContextTokenAuthentication, StaffAuthentication]
    permission_classes = [IsContextOrStaff]
    lookup_name: ClassVar[str] = ""
    lookup_key: ClassVar[str] = ""

    def needs(self) -> list[str]:
        options: Any = cast("QuerySet[Any]", type(self).queryset).model._meta
        return [f"{options.app_label}.{get_permission_codename('view', options)}"]

    def list(self, request: Request) -> Response:
        """The requested objects by key; unknown keys are absent."""
        keys = request.query_params.getlist("key")
        if not keys or len(keys) > KEYS_PER_REQUEST:
            raise ValidationError({"key": f"Give 1 to {KEYS_PER_REQUEST} keys: ?key=…&key=…"})
        wanted = request.query_params.get("fields", "")
        fields = wanted.split(",") if wanted else ()
        try:
            return Response(serialize(type(self), keys, fields, _seen(request)))
        except LookupBehind as behind:
            return Response(str(behind), status=http.TOO_EARLY)


def _seen(request: Request) -> Seen | None:
    """The event of this log that the reader has seen, if it sends one."""
    seen = _SEEN.fullmatch(request.query_params.get("seen", ""))
    return (int(seen[1]), int(seen[2])) if seen else None


def lookup(name: str, *, key: str = "") -> Any:
    """Offer a viewset to other contexts as `<context>.<name>`, found by the field `key`.

    Raises: DeclarationInvalid: the viewset can't be used, or the name is taken.
    """
    if not isinstance(name, str) or not key:
        raise declarations.not_called('lookup("<name>", key="<field>")', name)

    def declare(view: type[LookupViewSet]) -> type[LookupViewSet]:
        who = f"Lookup {view.__module__}.{view.__qualname__}"
        _check_view(view, name, who)
        full_name = f"{context_of(view.__module__).name}.{name}"
        declarations.check_name(full_name, who)
        declarations.check_only(providers.get(full_name), view, f"Lookup {full_name}")
        view.lookup_name, view.lookup_key = full_name, key
        providers[view.lookup_name] = view
        return view

    return declare


def _check_view(view: type[LookupViewSet], name: str, who: str) -> None:
    if not isinstance(view, type) or not issubclass(view, LookupViewSet):
        raise DeclarationInvalid(
            f"{who} ({declarations.location_of(view)}): @carveout.lookup goes above a subclass of"
            " carveout.LookupViewSet."
        )
    if "." in name or "/" in name:
        raise DeclarationInvalid(
            f"{who}: {name!r} has a dot or a slash. Leave out the context, it is added:"
            f" @carveout.lookup({name.rpartition('.')[2].strip('/')!r}, …)."
        )
    for each in vars(view).values():
        if inspect.isfunction(each):
            declarations.check_sync(each, f"{who}: {each.__name__}")


def serialize(
    view: type[LookupViewSet],
    keys: Iterable[str],
    wanted: Sequence[str] = (),
    seen: Seen | None = None,
) -> dict[str, Any]:
    """The viewset's representation of each key that exists, with only the wanted fields.

    Raises: ValidationError: a wanted field is not offered.
            LookupBehind: the change of the event `seen` can't be read yet.
    """
    queryset = cast("QuerySet[Any]", view.queryset).all()
    if seen:
        check_caught_up(view.lookup_name.split(".")[0], queryset.db, seen)
    rows = _of_keys(queryset, view.lookup_key, keys)
    represented = _serializer(view, tuple(wanted)).to_representation(rows)
    return {
        str(getattr(row, view.lookup_key)): data
        for row, data in zip(rows, represented, strict=True)
    }


@lru_cache(maxsize=512)
def _serializer(view: type[LookupViewSet], wanted: tuple[str, ...]) -> "ListSerializer[Any]":
    """The serializer of a lookup, with only the wanted fields. It is kept, as making one takes
    longer than representing an object, and representing changes nothing in it.

    Raises: ValidationError: a wanted field is not offered.
    """
    serializer_class = cast("type[Serializer[Any]]", view.serializer_class)
    serializer = cast("ListSerializer[Any]", serializer_class([], many=True))
    _narrow(serializer, wanted, view.lookup_name)
    return serializer


def _of_keys(queryset: "QuerySet[Any]", name: str, keys: Iterable[str]) -> list[Any]:
    """Rows by key. A value that is not valid for the key field counts as unknown."""
    wanted = [key for key in keys if "\0" not in key]  # PostgreSQL refuses text with NUL
    try:
        return list(queryset.filter(**{f"{name}__in": wanted}))
    except UNFIT:
        fit = [key for key in wanted if _fits(queryset, name, key)]
        return list(queryset.filter(**{f"{name}__in": fit}))


def _fits(queryset: "QuerySet[Any]", name: str, key: str) -> bool:
    try:
        return queryset.filter(**{name: key}).exists()
    except UNFIT:
        return False


def _narrow(serializer: Any, wanted: Sequence[str], name: str) -> None:
    offers = serializer.child.fields
    unknown = [field for field in wanted if field not in offers]
    if unknown:
        raise ValidationError(
            {"fields": f"{name} has no {', '.join(unknown)}; it has {', '.join(offers)}."}
        )
    for field in [field for field in offers if wanted and field not in wanted]:
        offers.pop(field)


class LookupMeta(type(msgspec.Struct)):  # type: ignore[misc]
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
            _declare_reader(cls, of, by)
        return cls  # type: ignore[no-any-return]


class Lookup(msgspec.Struct, metaclass=LookupMeta):
    """A reader of another context's lookup, with only the fields that it uses.

    Subclass in `lookups.py` with `of="<context>.<lookup>"`. `by` names the event's field that
    holds the key, if it is not the event's own key.
    """

    lookup_of: ClassVar[str] = ""
    lookup_by: ClassVar[str] = ""
    lookup_reader: ClassVar[str] = ""

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


def look_up_many(reader: type[L], keys: Iterable[str], *, seen: Seen | None = None) -> dict[str, L]:
    """Fetch objects of another context by key, without unknown keys. Not in a transaction.

    seen: an event of the owner; the objects are not older than it.

    Raises: LookupUnavailable: the owner did not answer, or not yet; call again later.
            LookupRefused: the owner does not offer what the reader declares.
    """
    ordered = list(dict.fromkeys(keys))
    found: dict[str, L] = {}
    for start in range(0, len(ordered), KEYS_PER_REQUEST):
        found |= _counted(reader, ordered[start : start + KEYS_PER_REQUEST], seen)
    return found


def _counted(reader: type[L], keys: Sequence[str], seen: Seen | None) -> dict[str, L]:
    began, failed = time.perf_counter(), True
    try:
        found = decode(reader, _ask(reader, keys, seen))
        failed = False
    finally:
        took_s = time.perf_counter() - began
        notes.record_lookup(reader.lookup_of, len(keys), took_s, failed=failed)
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


def _ask(reader: type[Lookup], keys: Sequence[str], seen: Seen | None) -> bytes:
    settings = get_settings()
    owner = reader.lookup_of.split(".")[0]
    wanted = reader.__struct_fields__
    if settings.hosts(owner) and settings.lookups == "auto":
        return _ask_in_process(reader.lookup_of, keys, wanted, seen)
    params = [("key", key) for key in keys] + [("fields", ",".join(wanted))]
    if seen:
        params.append(("seen", f"{seen[0]}.{seen[1]}"))
    resource = f"lookups/{reader.lookup_of}/"
    return http.get(reader.lookup_reader, owner, resource, params)


def _ask_in_process(
    of: str, keys: Sequence[str], wanted: Sequence[str], seen: Seen | None
) -> bytes:
    if of not in providers:
        raise LookupRefused(f"There is no lookup {of}. {validation.suggest(of, providers)}")
    try:
        representations = serialize(providers[of], keys, wanted, seen)
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
