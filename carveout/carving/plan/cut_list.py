"""Lists every cut of a context: file and line, what to do, and the command."""

from collections.abc import Iterator

from carveout.carving.plan.cost import DANGER_POINTS, Cost
from carveout.carving.plan.cut_line import CutLine, total
from carveout.carving.plan.plan import Pairing, Plan
from carveout.carving.plan.points import points_of, shown


def cutlist(found: Plan, contexts: list[str]) -> Iterator[str]:
    for name in contexts:
        yield from _context(found, found.costs[name])


def _context(found: Plan, cost: Cost) -> Iterator[str]:
    place = next(n for n, each in enumerate(found.order, 1) if each.context == cost.context)
    step = found.order[place - 1]
    yield f"{cost.context}: {points_of(cost.points)} if carved first;"
    yield f"  {shown(step.points)} in planned order, as {place} of {len(found.order)}: {step.why}"
    yield f"  {cost.not_sure} unsure, {cost.apart} with apps that stay"
    if cost.in_tests:
        yield f"  {cost.in_tests} more in tests only: {points_of(cost.points_in_tests)}"
    for each in [*found.pairings, *found.pairings_in_tests]:
        if cost.context in (each.source, each.target):
            yield f"\n{each.source} → {each.target}: {points_of(each.points)}{_tests(each)}"
            for one in [*each.lines, *each.in_tests]:
                yield from _line(one)
    if cost.dangers:
        yield f"\nDangers to fix first: {points_of(DANGER_POINTS * len(cost.dangers))}"
    for danger in cost.dangers:
        yield f"  {danger.at}: {danger.text}"


def _tests(each: Pairing) -> str:
    return f", and {points_of(total(each.in_tests))} in tests" if each.in_tests else ""


def _line(each: CutLine) -> Iterator[str]:
    coupling, found = each.coupling, each.cut
    yield f"  {coupling.at}  {coupling.kind}, {coupling.form}: {shown(each.points)}"
    yield f"    {found.text}"
    yield from (f"    $ {command}" for command in found.commands)
    yield from (f"    but: {doubt}" for doubt in found.doubts)
