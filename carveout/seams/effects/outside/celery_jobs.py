"""Records and catches tasks of Celery."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

from carveout.seams.effects.outside.block import EffectBlock
from carveout.seams.effects.outside.jobs import hand_over, values
from carveout.seams.effects.outside.wrapping import found, wrap

THEN = ("link", "link_error", "chain", "chord")
"""Options with more tasks. Their ids are random, so they can't be compared."""


def install() -> None:
    if task := found("celery.app.task", "Task"):
        wrap(task, "apply_async", _apply_async)
    if app := found("celery.app.base", "Celery"):
        wrap(app, "send_task", _send_task)


def _apply_async(
    block: EffectBlock,
    original: Callable[..., Any],
    task: Any,
    args: Any = None,
    kwargs: Any = None,
    *rest: Any,
    **options: Any,
) -> Any:
    queue = options.get("queue") or getattr(task, "queue", None)
    task_id = rest[0] if rest else options.get("task_id")
    _note_chained(block, task.name, options)
    return hand_over(
        block,
        [lambda: values("celery", _name(queue), task.name, args or (), kwargs or {})],
        partial(original, task, args, kwargs, *rest, **options),
        lambda: task.AsyncResult(task_id or str(uuid4())),
    )


def _send_task(
    block: EffectBlock,
    original: Callable[..., Any],
    app: Any,
    name: Any,
    args: Any = None,
    kwargs: Any = None,
    *rest: Any,
    **options: Any,
) -> Any:
    _note_chained(block, name, options)
    return hand_over(
        block,
        [lambda: values("celery", _name(options.get("queue")), name, args or (), kwargs or {})],
        partial(original, app, name, args, kwargs, *rest, **options),
        lambda: app.AsyncResult(options.get("task_id") or str(uuid4())),
    )


def _name(queue: Any) -> str:
    return str(getattr(queue, "name", queue) or "")


def _note_chained(block: EffectBlock, name: Any, options: dict[str, Any]) -> None:
    if more := [option for option in THEN if options.get(option)]:
        block.note(f"sent the task {name} with {' and '.join(more)}")
