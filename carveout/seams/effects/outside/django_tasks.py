"""Records and catches tasks of Django 6, and of the package `django_tasks` before it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import partial
from typing import Any
from uuid import uuid4

from carveout.seams.effects.outside.block import EffectBlock
from carveout.seams.effects.outside.jobs import hand_over, values
from carveout.seams.effects.outside.wrapping import found, wrap_family

PACKAGES = ("django.tasks", "django_tasks")


def install() -> None:
    for package in PACKAGES:
        if backend := found(f"{package}.backends.base", "BaseTaskBackend"):
            wrap_family(backend, {"enqueue": _enqueue})


def _enqueue(
    block: EffectBlock,
    original: Callable[..., Any],
    backend: Any,
    task: Any,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Any:
    return hand_over(
        block,
        [lambda: values("django", task.queue_name, task.module_path, args, kwargs)],
        partial(original, backend, task, args, kwargs),
        lambda: _unsaved(backend, task, args, kwargs),
    )


def _unsaved(backend: Any, task: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """A result of a task that is ready to run."""
    backend.validate_task(task)
    base = f"{_package(backend)}.base"
    result = found(base, "TaskResult")
    status = found(base, "TaskResultStatus") or found(base, "ResultStatus")
    known = {
        "task": task,
        "id": uuid4().hex,
        "status": next(iter(status)),
        "args": list(args),
        "kwargs": dict(kwargs),
        "backend": backend.alias,
        "errors": [],
        "worker_ids": [],
    }
    return result(**{each.name: known.get(each.name) for each in fields(result) if each.init})


def _package(backend: Any) -> str:
    bases = {found(f"{each}.backends.base", "BaseTaskBackend"): each for each in PACKAGES}
    return next(bases[cls] for cls in type(backend).__mro__ if cls in bases)
