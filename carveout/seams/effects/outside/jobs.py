"""Describes jobs of any library, and tells Carveout's own."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from carveout.seams.effects.effects import Values
from carveout.seams.effects.outside.block import EffectBlock, suspended
from carveout.seams.effects.outside.json_values import as_json


def values(
    library: Literal["rq", "celery", "django"],
    queue: object,
    function: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Values:
    """The parts of a job, as JSON has them. When it is to run is none of them."""
    return {
        "library": library,
        "queue": str(queue or ""),
        "function": function,
        "args": [as_json(each) for each in args],
        "kwargs": {str(name): as_json(value) for name, value in kwargs.items()},
    }


def is_ours(function: str) -> bool:
    """Whether it is a job of Carveout, which is no effect."""
    return function.startswith("carveout.")


def hand_over(
    block: EffectBlock,
    jobs: Sequence[Callable[[], Values]],
    enqueue: Callable[[], Any],
    instead: Callable[[], Any],
) -> Any:
    """Record jobs; then enqueue them, or where they are caught, return something else."""
    for job in jobs:
        block.add("jobs", job)
    if block.catches:
        return instead()
    with suspended():
        return enqueue()
