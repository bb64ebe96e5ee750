"""The base of own copies."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar

from django.db import models
from django.db.models.signals import class_prepared

from carveout.errors import CopyIsReadOnly, DeclarationInvalid

registry: dict[str, type["Copy"]] = {}
"""The copies of this process, by label: `reviews.Product`."""

_is_writable = ContextVar("carveout_copies_are_writable", default=False)


@contextmanager
def writable() -> Iterator[None]:
    """Allow rows of copies to be saved and deleted inside the block."""
    token = _is_writable.set(True)
    try:
        yield
    finally:
        _is_writable.reset(token)


def _refuse_unless_writable(model: type[models.Model]) -> None:
    if not _is_writable.get():
        raise CopyIsReadOnly(
            f"{model._meta.label} is an own copy: only Carveout writes it. Change the row at its"
            " owner; in a test, write `with carveout.testing.writable_copies():`."
        )


class CopyQuerySet(models.QuerySet[Any]):
    """Rows of a copy, to read."""

    def update(self, **values: Any) -> int:
        _refuse_unless_writable(self.model)
        return super().update(**values)

    def delete(self) -> tuple[int, dict[str, int]]:
        _refuse_unless_writable(self.model)
        return super().delete()

    def bulk_create(self, *args: Any, **options: Any) -> list[Any]:
        _refuse_unless_writable(self.model)
        return super().bulk_create(*args, **options)


class Copy(models.Model):
    """A model of this context that Carveout keeps equal to another context's lookup.

    Subclass it in `models.py`, with the fields that this context joins, filters, sorts or searches
    by, named as the lookup names them. For other contexts' code nothing changes.

    of: the lookup, "<context>.<lookup>".
    key: the field that the lookup finds rows by. It is the copy's primary key.
    on: the events that say that a row was added, changed or removed.
    by: the events' field that holds the row's key, if that is not their own key.

    `manage.py copies` fills it and compares it with its owner. Rows can't be saved or deleted.

    Raises: DeclarationInvalid: a declaration that can't be right.
            CopyIsReadOnly: code saves or deletes a row.
    """

    copy_of: ClassVar[str] = ""
    copy_key: ClassVar[str] = ""
    copy_on: ClassVar[tuple[str, ...]] = ()
    copy_by: ClassVar[str] = ""

    objects = models.Manager.from_queryset(CopyQuerySet)()

    class Meta:
        abstract = True
        default_permissions = ("view",)

    def __init_subclass__(
        cls,
        *,
        of: str = "",
        key: str = "",
        on: Sequence[str] = (),
        by: str = "",
        **options: Any,
    ) -> None:
        super().__init_subclass__(**options)
        if of or key or on:
            cls.copy_of, cls.copy_key, cls.copy_by = of, key, by
            cls.copy_on = (on,) if isinstance(on, str) else tuple(on)

    def save(self, *args: Any, **options: Any) -> None:
        _refuse_unless_writable(type(self))
        super().save(*args, **options)

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        _refuse_unless_writable(type(self))
        return super().delete(*args, **options)


def _register(sender: type[models.Model], **_: Any) -> None:
    if issubclass(sender, Copy) and not sender._meta.proxy:
        _check(sender)
        registry[sender._meta.label] = sender


class_prepared.connect(_register)


def _check(model: type[Copy]) -> None:
    who = f"Own copy {model.__module__}.{model.__name__}"
    if model.copy_of.count(".") != 1 or not model.copy_key or not model.copy_on:
        raise DeclarationInvalid(
            f"{who}: write class {model.__name__}(carveout.Copy, of='<context>.<lookup>',"
            " key='<field>', on=['<context>.<Event>', …])."
        )
    owner = model.copy_of.split(".")[0]
    for event in model.copy_on:
        if event.split(".")[0] != owner:
            raise DeclarationInvalid(
                f"{who}: {event!r} is not an event of {owner}, whose rows it copies."
            )
    pk = model._meta.pk
    if pk is None or pk.name != model.copy_key or pk.is_relation:
        raise DeclarationInvalid(
            f"{who}: key={model.copy_key!r} must be its primary key. Declare the field with"
            " primary_key=True."
        )
    for each in model._meta.concrete_fields:
        if each.unique and not each.primary_key:
            raise DeclarationInvalid(
                f"{who}: {each.name} is unique. Rows arrive one after the other, so two may have"
                " the same value for a moment. Use db_index=True."
            )
    if model._meta.unique_together or model._meta.total_unique_constraints:
        raise DeclarationInvalid(
            f"{who} has a unique constraint. Rows arrive one after the other, so two may have the"
            " same values for a moment. Use an index."
        )
