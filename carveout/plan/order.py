"""The order of carving: the cheapest context first, then the cheapest of what is left."""

from collections.abc import Collection, Mapping

import msgspec

from carveout.plan.cost import DANGER_POINTS, Cost
from carveout.plan.points import shown


class Step(msgspec.Struct, frozen=True, kw_only=True):
    context: str
    points: float
    """What it costs at its turn, when those before it are gone."""
    alone: float
    """What it would cost first of all."""
    both_ways: list[str]
    """Contexts still there that it needs and that need it."""
    why: str


def order(costs: Mapping[str, Cost], further: Collection[str] = ()) -> list[Step]:
    """Greedy: what is cheapest at its turn goes next, of equals the first by name.

    Who has the accounts goes last: all others ask for `request.user`, whatever else is cut.
    `further`: apps that are in no context, while others are: they go after those.
    """
    steps: list[Step] = []
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
) -> Step:
    name = cost.context
    return Step(
        context=name,
        points=left[name],
        alone=cost.points,
        both_ways=[each for each in cost.needs if each in cost.needed_by and each in left],
        why=_why(cost, _place(cost, left, further), carved),
    )


def _why(cost: Cost, place: str, carved: frozenset[str]) -> str:
    parts = [place, _dearest(cost, carved), _saved(cost, carved), _dangers(cost)]
    return "; ".join(part for part in parts if part) + "."


def _place(cost: Cost, left: Mapping[str, float], further: Collection[str]) -> str:
    if len(left) == 1:
        accounts = ": it has the accounts, which all need" if cost.has_accounts else ""
        return f"what is left when all others are carved{accounts}"
    if not left[cost.context]:
        return "nothing has to be cut"
    is_further = cost.context in further
    rivals = sum((each in further) == is_further for each in left)
    if rivals == 1:
        return "the last app that is in no context" if is_further else "the last one declared"
    of_what = " that are in no context" if is_further else " declared" if further else ""
    return f"cheapest of {rivals}{of_what}"


def _dearest(cost: Cost, carved: frozenset[str]) -> str:
    together: dict[str, float] = {}
    for other, points in [*cost.needs.items(), *cost.needed_by.items()]:
        if other not in carved:
            together[other] = together.get(other, 0) + points
    if not together:
        return ""
    most = max(together, key=lambda each: (together[each], each))
    if len(together) == 1:
        return f"coupled with {most} only"
    return f"{shown(together[most])} of it with {most}, the rest with {len(together) - 1} more"


def _saved(cost: Cost, carved: frozenset[str]) -> str:
    saved = cost.points - cost.without(carved)
    return f"{shown(saved)} less than at first, cut with those before" if saved else ""


def _dangers(cost: Cost) -> str:
    count = len(cost.dangers)
    what = "danger" if count == 1 else "dangers"
    return f"{count} {what} to mend ({count * DANGER_POINTS})" if count else ""
