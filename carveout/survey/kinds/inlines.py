"""Admin classes that show, edit or complete another app's models."""

import sys
from collections.abc import Iterator
from typing import Any

from django.db.models import Model

from carveout.survey.coupling import Coupling
from carveout.survey.models import Models, admin_classes
from carveout.survey.sources import Sources

KIND = "admin"
COMPLETED = {
    "autocomplete_fields": "autocomplete",
    "raw_id_fields": "raw id",
    "filter_horizontal": "filter",
    "filter_vertical": "filter",
}
BASE = "BaseModelAdmin"
"""By name: a project without the admin can't import it."""
SHOWN = ("list_display", "list_filter", "list_select_related")
"""Where a relation alone makes the admin read the other rows."""
LOOKED_UP = (*SHOWN, "search_fields", "ordering", "date_hierarchy")


def inlines(sources: Sources, models: Models) -> Iterator[Coupling]:
    for shown, admin in admin_classes():
        if shown._meta.app_label != _app(admin, sources):
            yield from _coupling(admin, "", shown, "register", sources)
        for inline in admin.inlines:
            yield from _coupling(admin, "inlines", inline.model, "inline", sources)
            yield from _of_class(inline, inline.model, sources, models)
        yield from _of_class(admin, shown, sources, models)


def _of_class(
    admin: Any, shown: type[Model], sources: Sources, models: Models
) -> Iterator[Coupling]:
    for attribute, form in COMPLETED.items():
        for name in getattr(admin, attribute, ()):
            field = shown._meta.get_field(name)
            if isinstance(field.related_model, type):
                yield from _coupling(admin, attribute, field.related_model, form, sources)
    for attribute in LOOKED_UP:
        for lookup in _lookups(getattr(admin, attribute, ())):
            for model in models.path(shown, lookup, joins_last=attribute in SHOWN):
                yield from _coupling(admin, attribute, model, "lookup", sources)


def is_admin(name: str) -> bool:
    """Is this loaded class one of the admin's, which is told as such?"""
    module, _, last = name.rpartition(".")
    found = getattr(sys.modules.get(module), last, None)
    return isinstance(found, type) and any(each.__name__ == BASE for each in found.__mro__)


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
    name = f"{admin.__module__}.{admin.__qualname__}"
    file, line = _where(admin, attribute, sources)
    yield Coupling(
        kind=KIND,
        form=form,
        source=app,
        source_symbol=f"{name}.{attribute}".rstrip("."),
        file=file,
        line=line,
        target=target,
        target_symbol=model._meta.label,
    )


def _app(admin: Any, sources: Sources) -> str:
    return sources.project.app_of(admin.__module__)


def _where(admin: Any, attribute: str, sources: Sources) -> tuple[str, int]:
    """The attribute in the class or in what it inherits from; else the class."""
    for owner in admin.__mro__ if attribute else ():
        file, found = sources.defined(f"{owner.__module__}.{owner.__qualname__}.{attribute}")
        if found:
            return file, found.line
    file, found = sources.defined(f"{admin.__module__}.{admin.__qualname__}")
    return file, found.line if found else 0
