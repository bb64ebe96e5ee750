"""Finds cascades: which other rows a deletion affects, and through which relations."""

from collections import deque
from functools import lru_cache
from types import FrameType
from typing import Any

from django.db.models import Model

COLLECTOR = "/django/db/models/deletion.py"
SIGNALS = "/django/dispatch/dispatcher.py"
FRAMES_MAX = 14
"""More than there ever are between a statement and the collector that sends it."""

LEAVE = {"DO_NOTHING", "PROTECT", "RESTRICT"}
"""Values of `on_delete` that affect no further row."""


def collector(frame: FrameType | None) -> FrameType | None:
    """The frame of the collector that sends this statement itself, or None."""
    for _ in range(FRAMES_MAX):
        if frame is None:
            return None
        if is_collector(frame):
            return frame
        if frame.f_code.co_filename.endswith(SIGNALS):
            return None  # a receiver of its signals sends it
        frame = frame.f_back
    return None


def is_collector(frame: FrameType) -> bool:
    code = frame.f_code
    return code.co_name == "delete" and code.co_filename.endswith(COLLECTOR)


def root(frame: FrameType) -> type[Model] | None:
    """The model whose rows were to be deleted."""
    deleting = frame.f_locals.get("self")
    origin: Any = getattr(deleting, "origin", None)
    if origin is None and frame.f_back is not None:
        origin = frame.f_back.f_locals.get("self")  # Django before 4.1: the caller's row, or rows
    if not hasattr(origin, "_meta") and not hasattr(origin, "model"):
        return next(iter(getattr(deleting, "data", {})), None)
    if issubclass(type(origin), Model):
        return type(origin)
    model: type[Model] | None = getattr(origin, "model", None)
    return model


@lru_cache(maxsize=4096)
def chain(start: type[Model], end: type[Model]) -> tuple[str, ...]:
    """The shortest path of relations from the deleted model to the affected one."""
    seen = {start}
    paths: deque[tuple[type[Model], tuple[str, ...]]] = deque([(start, ())])
    while paths:
        model, path = paths.popleft()
        for field, further in _affected(model):
            longer = (*path, field)
            if further._meta.concrete_model is end._meta.concrete_model:
                return longer
            if further not in seen:
                seen.add(further)
                paths.append((further, longer))
    return ()


@lru_cache(maxsize=4096)
def by_database(model: type[Model]) -> tuple[type[Model], ...]:
    """Models whose rows the database itself deletes or clears: no statement shows these."""
    found: dict[type[Model], None] = {}
    left = [model]
    while left:
        for field, further in _affected(left.pop()):
            if "(DB_" in field and further not in found:
                found[further] = None
                left += [further] if "(DB_CASCADE)" in field else []
    return tuple(found)


def _affected(model: type[Model]) -> list[tuple[str, type[Model]]]:
    """Relations to this model, each with the model that has it, and the parents of a child row."""
    found: list[tuple[str, type[Model]]] = []
    for each in model._meta.get_fields(include_hidden=True):
        holder: Any = each.related_model
        if each.auto_created and not each.concrete and (each.one_to_many or each.one_to_one):
            field = each.field  # type: ignore[union-attr]
            deletion = getattr(getattr(each, "on_delete", None), "__name__", "") or "SET"
            if deletion not in LEAVE:
                found.append((f"{holder._meta.label}.{field.name} ({deletion})", holder))
        elif getattr(each, "bulk_related_objects", None) and holder:
            found.append((f"{model._meta.label}.{each.name} (generic)", holder))
    parents = model._meta.parents or {}
    return found + [(f"{model._meta.label} (child of)", parent) for parent in parents]
