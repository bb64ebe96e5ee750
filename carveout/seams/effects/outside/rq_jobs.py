"""Records and catches jobs of RQ and django-rq."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from carveout.seams.effects.effects import Values
from carveout.seams.effects.outside.block import EffectBlock, suspended
from carveout.seams.effects.outside.jobs import hand_over, is_ours, values
from carveout.seams.effects.outside.json_values import described
from carveout.seams.effects.outside.wrapping import found, wrap


def install() -> None:
    if queue := found("rq.queue", "Queue"):
        for name in ("enqueue_job", "schedule_job", "_enqueue_job"):
            wrap(queue, name, _enqueue)
        wrap(queue, "enqueue_many", _enqueue_many)
    if found("django_rq.thread_queue", "add"):
        wrap(found("django_rq", "thread_queue"), "add", _leave)


def _enqueue(
    block: EffectBlock,
    original: Callable[..., Any],
    queue: Any,
    job: Any,
    *args: Any,
    **kwargs: Any,
) -> Any:
    noted = [] if _is_ours(job) else [partial(_values, queue, job)]
    return hand_over(
        block, noted, partial(original, queue, job, *args, **kwargs), lambda: _unsaved(queue, job)
    )


def _is_ours(job: Any) -> bool:
    try:
        with suspended():
            return is_ours(job.func_name)
    except Exception:  # it can't be read
        return False


def _values(queue: Any, job: Any) -> Values:
    function = job.func_name
    if job.instance is not None:
        function = f"{described(job.instance)}.{function}"
    return values("rq", queue.name, function, job.args or (), job.kwargs or {})


def _unsaved(queue: Any, job: Any) -> Any:
    job.origin = queue.name
    return job


def _enqueue_many(
    block: EffectBlock,
    original: Callable[..., Any],
    queue: Any,
    jobs: Iterable[Any],
    *args: Any,
    **kwargs: Any,
) -> Any:
    jobs = list(jobs)
    return hand_over(
        block,
        [partial(_values_of_data, queue, each) for each in jobs],
        partial(original, queue, jobs, *args, **kwargs),
        lambda: [_created(queue, each) for each in jobs],
    )


def _values_of_data(queue: Any, data: Any) -> Values:
    return _values(queue, _created(queue, data))


def _created(queue: Any, data: Any) -> Any:
    return queue.create_job(data.func, args=data.args, kwargs=data.kwargs, job_id=data.job_id)


def _leave(block: EffectBlock, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """django-rq keeps jobs for the end of the request, which is after the block."""
    block.refuse("left a job for the end of the request")
    return original(*args, **kwargs)
