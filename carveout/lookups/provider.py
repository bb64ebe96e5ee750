"""Lookups: what a context offers to others."""

import inspect
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, ClassVar, cast

from django.contrib.auth import get_permission_codename
from django.core.exceptions import ValidationError as FieldInvalid
from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ListSerializer, Serializer
from rest_framework.viewsets import GenericViewSet

from carveout.conf import context_of, get_settings
from carveout.errors import DeclarationInvalid, LookupBehind
from carveout.events import declarations
from carveout.lookups import http
from carveout.lookups.authentication import (
    ContextTokenAuthentication,
    IsContextOrStaff,
    StaffAuthentication,
)
from carveout.lookups.pinned_views import PinnedView
from carveout.lookups.replica import Seen, check_caught_up, is_replica

KEYS_PER_REQUEST = 100
ROWS_PER_PAGE = 1_000
UNFIT = (TypeError, ValueError, OverflowError, FieldInvalid)
"""Errors that Django raises for an invalid number or UUID."""
_SEEN = re.compile(r"([0-9]{1,4})\.([0-9]{1,18})")

providers: dict[str, type["LookupViewSet"]] = {}
"""Lookups of the contexts hosted here, by full name."""


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
        """The requested objects by key; unknown keys are absent. With `after`: a page of all."""
        params = request.query_params
        wanted = params.get("fields", "")
        fields = wanted.split(",") if wanted else ()
        if "after" in params:
            return Response(serialize_page(type(self), params["after"], _limit(request), fields))
        keys = params.getlist("key")
        if not keys or len(keys) > KEYS_PER_REQUEST:
            raise ValidationError({"key": f"Give 1 to {KEYS_PER_REQUEST} keys: ?key=…&key=…"})
        primary = "primary" in params
        try:
            return Response(serialize(type(self), keys, fields, _seen(request), primary=primary))
        except LookupBehind as behind:
            return Response(str(behind), status=http.TOO_EARLY)


def _seen(request: Request) -> Seen | None:
    """The event of this log that the reader has seen, if it sends one."""
    seen = _SEEN.fullmatch(request.query_params.get("seen", ""))
    return (int(seen[1]), int(seen[2])) if seen else None


def _limit(request: Request) -> int:
    limit = request.query_params.get("limit", str(ROWS_PER_PAGE))
    if not limit.isdecimal() or not 0 < int(limit) <= ROWS_PER_PAGE:
        raise ValidationError({"limit": f"Give a number from 1 to {ROWS_PER_PAGE}: ?limit=…"})
    return int(limit)


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
    *,
    primary: bool = False,
) -> dict[str, Any]:
    """The viewset's representation of each key that exists, with only the wanted fields.

    primary: read the database of the owner's log, even if the lookup reads from a replica of it.

    Raises: ValidationError: a wanted field is not offered.
            LookupBehind: the change of the event `seen` can't be read yet.
    """
    queryset = _rows(view, primary=primary)
    if seen:
        check_caught_up(view.lookup_name.split(".")[0], queryset.db, seen)
    return _represented(view, _of_keys(queryset, view.lookup_key, keys), wanted)


def serialize_page(
    view: type[LookupViewSet], after: str, limit: int, wanted: Sequence[str] = ()
) -> dict[str, Any]:
    """As `serialize`, for the next objects in the order of their keys, from the primary database.

    after: the last key of the page before; empty for the first page.

    Raises: ValidationError: a wanted field is not offered, or `after` can't be a key.
    """
    key = view.lookup_key
    if "\0" in after:  # PostgreSQL refuses text with NUL
        raise ValidationError({"after": f"{after!r} can't be a {key}."})
    try:
        beyond = {f"{key}__gt": after} if after else {f"{key}__isnull": False}
        rows = list(_rows(view, primary=True).filter(**beyond).order_by(key)[:limit])
    except UNFIT as error:
        raise ValidationError({"after": f"{after!r} can't be a {key}: {error}"}) from error
    return _represented(view, rows, wanted)


def _rows(view: type[LookupViewSet], *, primary: bool) -> "QuerySet[Any]":
    rows, owner = cast("QuerySet[Any]", view.queryset).all(), view.lookup_name.split(".")[0]
    if primary and is_replica(owner, rows.db):
        return rows.using(get_settings().database_of(owner))
    return rows


def _represented(
    view: type[LookupViewSet], rows: Sequence[Any], wanted: Sequence[str]
) -> dict[str, Any]:
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
