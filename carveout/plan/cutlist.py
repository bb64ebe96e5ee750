"""Every cut of a context: file and line, what to do, and the command."""

from collections.abc import Iterator

from carveout.plan.cost import DANGER_POINTS, Cost
from carveout.plan.line import Line
from carveout.plan.plan import Plan
from carveout.plan.points import points_of, shown


def cutlist(found: Plan, contexts: list[str]) -> Iterator[str]:
    for name in contexts:
        yield from _context(found, found.costs[name])
    if found.lacking:
        yield f"\nnotice: not in this version yet: {', '.join(found.lacking)}."


def _context(found: Plan, cost: Cost) -> Iterator[str]:
    place = next(n for n, each in enumerate(found.order, 1) if each.context == cost.context)
    step = found.order[place - 1]
    yield f"{cost.context}: {points_of(cost.points)} first of all,"
    yield f"  {shown(step.points)} at its turn, which is {place} of {len(found.order)}: {step.why}"
    yield f"  {cost.not_sure} not sure, {cost.in_tests} in tests only, {cost.apart} with what stays"
    for each in found.pairings:
        if cost.context in (each.source, each.target):
            yield f"\n{each.source} → {each.target}: {points_of(each.points)}"
            for one in each.lines:
                yield from _line(one)
    if cost.dangers:
        yield f"\nDangers to mend first: {points_of(DANGER_POINTS * len(cost.dangers))}"
    for danger in cost.dangers:
        yield f"  {danger.at}: {danger.text}"


def _line(each: Line) -> Iterator[str]:
    coupling, found = each.coupling, each.cut
    yield f"  {coupling.at}  {coupling.kind}, {coupling.form}: {shown(each.points)}"
    yield f"    {found.text}"
    yield from (f"    $ {command}" for command in found.commands)
    yield from (f"    but: {doubt}" for doubt in found.doubts)
