"""Finds admin classes that show, edit or autocomplete another app's models."""

import sys
from collections.abc import Iterator
from typing import Any

from django.db.models import Model

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.model_index import Models, admin_classes
from carveout.carving.survey.sources import Sources
from carveout.carving.survey.unread import ADMIN, attributes

KIND = "admin"
COMPLETED = {
    "autocomplete_fields": "autocomplete",
    "raw_id_fields": "raw id",
    "filter_horizontal": "filter",
    "filter_vertical": "filter",
}
BASE = "BaseModelAdmin"
"""The class's name, because a project without the admin can't import it."""
SHOWN = ("list_display", "list_filter", "list_select_related")
"""Options in which a relation alone makes the admin read the other rows."""
LOOKED_UP = (*SHOWN, "search_fields", "ordering", "date_hierarchy")


def inlines(sources: Sources, models: Models) -> Iterator[Coupling]:
    gaps = sources.project.gaps
    for shown, admin in admin_classes(sources.project):
        with gaps.around(ADMIN, _name(admin), _name(admin)):
            if shown._meta.app_label != _app(admin, sources):
                yield from _coupling(admin, "", shown, "register", sources)
        yield from _of_class(admin, shown, sources, models)
        with gaps.around(ADMIN, _name(admin), _name(admin)):
            for inline in admin.inlines:
                yield from _inline(admin, inline, sources, models)


def _inline(admin: Any, inline: Any, sources: Sources, models: Models) -> Iterator[Coupling]:
    with sources.project.gaps.around(ADMIN, _name(inline), _name(inline)):
        yield from _coupling(admin, "inlines", inline.model, "inline", sources)
        yield from _of_class(inline, inline.model, sources, models)


def _of_class(
    admin: Any, shown: type[Model], sources: Sources, models: Models
) -> Iterator[Coupling]:
    for attribute in (*COMPLETED, *LOOKED_UP):
        with sources.project.gaps.around(ADMIN, _name(admin), _name(admin)):
            yield from _of_attribute(admin, attribute, shown, sources, models)


def _of_attribute(
    admin: Any, attribute: str, shown: type[Model], sources: Sources, models: Models
) -> Iterator[Coupling]:
    if attribute in COMPLETED:
        for name in getattr(admin, attribute, ()):
            field = models.field(shown, name)
            if field and field.target:
                form = COMPLETED[attribute]
                yield from _coupling(admin, attribute, field.target, form, sources)
        return
    for lookup in _lookups(getattr(admin, attribute, ())):
        for model in models.path(shown, lookup, joins_last=attribute in SHOWN):
            yield from _coupling(admin, attribute, model, "lookup", sources)


def is_admin(name: str) -> bool:
    """Is this loaded class an admin class, which this module finds?"""
    module, _, last = name.rpartition(".")
    found: Any = attributes(sys.modules.get(module)).get(last)
    return issubclass(type(found), type) and any(each.__name__ == BASE for each in found.__mro__)


def _lookups(declared: Any) -> Iterator[str]:
    if isinstance(declared, str):  # date_hierarchy
        declared = [declared]
    if not isinstance(declared, list | tuple):
        return
    for each in declared:
        name = each[0] if isinstance(each, list | tuple) and each else each
        if isinstance(name, str):
            yield name.lstrip("^=@-")


def _coupling(
    admin: Any, attribute: str, model: type[Model], form: str, sources: Sources
) -> Iterator[Coupling]:
    app, target = _app(admin, sources), model._meta.app_label
    if target == app or not sources.project.is_own(app) or not sources.project.is_own(target):
        return
    file, line = _where(admin, attribute, sources)
    yield Coupling(
        kind=KIND,
        form=form,
        source=app,
        source_symbol=f"{_name(admin)}.{attribute}".rstrip("."),
        file=file,
        line=line,
        target=target,
        target_symbol=model._meta.label,
    )


def _name(admin: Any) -> str:
    return f"{admin.__module__}.{admin.__qualname__}"


def _app(admin: Any, sources: Sources) -> str:
    return sources.project.app_of(admin.__module__)


def _where(admin: Any, attribute: str, sources: Sources) -> tuple[str, int]:
    """The location of the attribute in the class or in a base class; else of the class."""
    for owner in admin.__mro__ if attribute else ():
        file, found = sources.defined(f"{owner.__module__}.{owner.__qualname__}.{attribute}")
        if found:
            return file, found.line
    file, found = sources.defined(_name(admin))
    return file, found.line if found else 0
