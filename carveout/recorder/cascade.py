"""Cascades: what the deletion of one row does to others, by whom and on which way."""

from collections import deque
from functools import lru_cache
from types import FrameType
from typing import Any

from django.db.models import Model

COLLECTOR = "/django/db/models/deletion.py"
SIGNALS = "/django/dispatch/dispatcher.py"
FRAMES_MAX = 14
"""From a statement out to the collector that sends it there are fewer."""

LEAVE = {"DO_NOTHING", "PROTECT", "RESTRICT"}
"""What `on_delete` may say that takes no row along."""


def collector(frame: FrameType | None) -> FrameType | None:
    """The frame of the collector that sends this statement itself; None if none does."""
    for _ in range(FRAMES_MAX):
        if frame is None:
            return None
        if is_collector(frame):
            return frame
        if frame.f_code.co_filename.endswith(SIGNALS):
            return None  # a receiver of its signals does
        frame = frame.f_back
    return None


def is_collector(frame: FrameType) -> bool:
    code = frame.f_code
    return code.co_name == "delete" and code.co_filename.endswith(COLLECTOR)


def root(frame: FrameType) -> type[Model] | None:
    """The model whose rows were to be deleted."""
    deleting = frame.f_locals.get("self")
    origin = getattr(deleting, "origin", None)
    if origin is None:
        return next(iter(getattr(deleting, "data", {})), None)
    if issubclass(type(origin), Model):
        return type(origin)
    model: type[Model] | None = getattr(origin, "model", None)
    return model


@lru_cache(maxsize=4096)
def chain(start: type[Model], end: type[Model]) -> tuple[str, ...]:
    """The relations from the deleted model to the one that it takes along, the shortest way."""
    seen = {start}
    ways: deque[tuple[type[Model], tuple[str, ...]]] = deque([(start, ())])
    while ways:
        model, way = ways.popleft()
        for field, further in _taken_along(model):
            step = (*way, field)
            if further._meta.concrete_model is end._meta.concrete_model:
                return step
            if further not in seen:
                seen.add(further)
                ways.append((further, step))
    return ()


@lru_cache(maxsize=4096)
def by_database(model: type[Model]) -> tuple[type[Model], ...]:
    """Models whose rows the database itself deletes or empties: no statement tells of these."""
    found: dict[type[Model], None] = {}
    left = [model]
    while left:
        for field, further in _taken_along(left.pop()):
            if "(DB_" in field and further not in found:
                found[further] = None
                left += [further] if "(DB_CASCADE)" in field else []
    return tuple(found)


def _taken_along(model: type[Model]) -> list[tuple[str, type[Model]]]:
    """Relations to this model, each with the model that has it; also where a child's row hangs."""
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
