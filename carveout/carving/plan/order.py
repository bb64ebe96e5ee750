"""Orders the carving: the cheapest context first, then the cheapest of those left."""

from collections.abc import Collection, Mapping

import msgspec
from django.template.defaultfilters import pluralize

from carveout.carving.plan.cost import DANGER_POINTS, Cost
from carveout.carving.plan.points import points_of


class CarvingStep(msgspec.Struct, frozen=True, kw_only=True):
    context: str
    points: float
    """Its points in this order, once the contexts before it are carved."""
    alone: float
    """Its points if it were carved first."""
    both_ways: list[str]
    """Contexts not yet carved that it needs and that need it."""
    why: str


def order(costs: Mapping[str, Cost], further: Collection[str] = ()) -> list[CarvingStep]:
    """Greedy: the cheapest of those left goes next; equal costs are ordered by name.

    The context that owns the accounts goes last, because all others use `request.user`.
    `further`: apps that are in no context, while others are; they go after the contexts.
    """
    steps: list[CarvingStep] = []
    carved: frozenset[str] = frozenset()
    while len(carved) < len(costs):
        left = {name: cost.without(carved) for name, cost in costs.items() if name not in carved}
        rank = {
            each: (costs[each].has_accounts, each in further, points, each)
            for each, points in left.items()
        }
        name = min(left, key=rank.__getitem__)
        steps.append(_step(costs[name], left, carved, further))
        carved |= {name}
    return steps


def _step(
    cost: Cost, left: Mapping[str, float], carved: frozenset[str], further: Collection[str]
) -> CarvingStep:
    name = cost.context
    return CarvingStep(
        context=name,
        points=left[name],
        alone=cost.points,
        both_ways=[each for each in cost.needs if each in cost.needed_by and each in left],
        why=_why(cost, _place(cost, left, further), carved),
    )


def _why(cost: Cost, place: str, carved: frozenset[str]) -> str:
    parts = [place, _partners(cost, carved), _saved(cost, carved), _dangers(cost)]
    return "; ".join(part for part in parts if part) + "."


def _place(cost: Cost, left: Mapping[str, float], further: Collection[str]) -> str:
    if len(left) == 1:
        accounts = ": it owns the accounts, which all need" if cost.has_accounts else ""
        return f"what is left once all others are carved{accounts}"
    if not left[cost.context]:
        return "nothing has to be cut"
    is_further = cost.context in further
    rivals = sum((each in further) == is_further for each in left)
    if rivals == 1:
        return "the last app that is in no context" if is_further else "the last declared context"
    of_what = " that are in no context" if is_further else " declared" if further else ""
    return f"cheapest of {rivals}{of_what}"


def _partners(cost: Cost, carved: frozenset[str]) -> str:
    together: dict[str, float] = {}
    for other, points in [*cost.needs.items(), *cost.needed_by.items()]:
        if other not in carved:
            together[other] = together.get(other, 0) + points
    if not together:
        return ""
    most = max(together, key=lambda each: (together[each], each))
    if len(together) == 1:
        return f"coupled with {most} only"
    rest = len(together) - 1
    others = f"{rest} other{pluralize(rest)}"
    return f"{points_of(together[most])} with {most}, the rest with {others}"


def _saved(cost: Cost, carved: frozenset[str]) -> str:
    saved = cost.points - cost.without(carved)
    return f"{points_of(saved)} fewer than at the start: earlier steps cut them" if saved else ""


def _dangers(cost: Cost) -> str:
    count = len(cost.dangers)
    what = f"danger{pluralize(count)} to fix"
    return f"{count} {what} ({points_of(count * DANGER_POINTS)})" if count else ""
