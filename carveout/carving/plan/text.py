"""Formats the plan as text: the result first, then the reasons, and the cuts by pair."""

from collections import Counter
from collections.abc import Iterator
from textwrap import fill

import msgspec
from django.template.defaultfilters import pluralize

from carveout.carving.plan.cut_line import total
from carveout.carving.plan.cut_list import cutlist
from carveout.carving.plan.measures import Measures
from carveout.carving.plan.plan import Pairing, Plan
from carveout.carving.plan.points import points_of, shown
from carveout.carving.survey.result import is_app
from carveout.errors import SettingsInvalid

PAIRS_MAX = 60
COMMANDS_MAX = 3
CUTS_MAX = 8
LEGEND = (
    "SM: structural modularity, ICP: share of points that cross contexts, IFN: symbols per context"
    " that others use, NED: share of modules in contexts much larger or smaller than the others."
    " High is better for SM, low for the others. Hubs are left out."
)


def as_json(found: Plan) -> str:
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode()


def as_text(found: Plan, contexts: list[str]) -> str:
    """A summary of all contexts, or each cut of the named ones.

    Raises: SettingsInvalid, if there is no such context.
    """
    unknown = [each for each in contexts if each not in found.costs]
    if unknown:
        known = ", ".join(found.costs)
        raise SettingsInvalid(f"There is no context {unknown[0]}. Contexts: {known}.")
    parts = cutlist(found, contexts) if contexts else _text(found)
    return "\n".join(parts) + "\n"


def heading(found: Plan) -> str:
    """What is left to cut between contexts, and with apps that are in none."""
    if not found.pairings:
        return "Nothing is left to carve: no context needs another."
    many = len(found.declared or found.costs)
    contexts = f"{many} context{pluralize(many)}"
    if not found.declared:
        return f"{contexts} (each app is one), {_to_cut(found.pairings)}."
    beyond = [each for each in found.pairings if {each.source, each.target} & {*found.further}]
    between = [each for each in found.pairings if each not in beyond]
    if not beyond:
        return f"{contexts}, {_to_cut(between)}."
    apps = {each for pair in beyond for each in (pair.source, pair.target)} & {*found.further}
    are = "app that is" if len(apps) == 1 else "apps that are"
    rest = f"{_to_cut(beyond, f' with {len(apps)} {are} in no context')}."
    if many == 1:
        return f"1 context declared. {rest}"
    if not between:
        return f"Nothing is left to cut between the {contexts} declared. {rest}"
    return f"{contexts} declared, {_to_cut(between, ' between them')}. {rest}"


def _to_cut(pairings: list[Pairing], where: str = "") -> str:
    count = sum(len(each.lines) for each in pairings)
    points = points_of(sum(each.points for each in pairings))
    return f"{count} coupling{pluralize(count)} to cut{where}: {points}"


def _text(found: Plan) -> Iterator[str]:
    yield heading(found)
    yield from _tests(found)
    yield from _confidence(found)
    if found.pairings:
        yield from _dangers(found)
        yield from _order(found)
        yield from _cycles(found)
    yield from _layers(found)
    yield from _stays(found)
    yield from _suggestion(found)
    yield from _measures(found.measures)
    yield from _cuts(found)


def _layers(found: Plan) -> Iterator[str]:
    """What to do with each layer: as one context it would always need all others."""
    for each in found.layers:
        needed_by = ", ".join(each.needed_by) or "none"
        yield f"\nLayer: {each.app} has pages of {len(each.needs)} apps; needed by: {needed_by}"
        if not each.modules:
            yield "  Split its modules by context first: none of them belongs to only one context."
            continue
        yield "  As one context it would always need all others. Give each context its own pages:"
        for context, modules in each.modules.items():
            yield _wrapped(f'"{context}": {{…, "modules": [{_quoted(modules)}]}},', "    ")


def _stays(found: Plan) -> Iterator[str]:
    if found.kernels:
        yield "\nKernels, which all may use: they stay, and are not contexts"
    for label in found.kernels:
        left = found.but_for.get(label, [])
        still = f": cut {len(left)} coupling{pluralize(len(left))} first" if left else ""
        yield f"  {label}{still}"
        for each in left[:CUTS_MAX]:
            yield f"    {each.coupling.at}: {each.coupling.summary}"
        if len(left) > CUTS_MAX:
            yield f"    and {len(left) - CUTS_MAX} more"
    if found.vendored:
        yield f"\nVendored third-party code, which stays: {', '.join(found.vendored)}"


def _tests(found: Plan) -> Iterator[str]:
    """What only tests need, and its share of all points."""
    count = sum(len(pairing.in_tests) for pairing in _all_pairings(found))
    if count:
        points = found.points_in_tests
        share = points / (points + found.points)
        yield (
            f"Only tests need {count} more coupling{pluralize(count)}: {points_of(points)},"
            f" {share:.0%} of all. They count in no rank, cycle or group."
        )
    if found.tests:
        yield f"Apps of tests, which are not contexts: {', '.join(found.tests)}."


def _all_pairings(found: Plan) -> list[Pairing]:
    return [*found.pairings, *found.pairings_in_tests]


def _confidence(found: Plan) -> Iterator[str]:
    yield f"\nConfidence: {found.surety.level}"
    for each in found.surety.reasons:
        yield f"  {'-' if each.lowers else '+'} {each.text}"


def _dangers(found: Plan) -> Iterator[str]:
    if found.dangers:
        yield "\nDangers to fix first, whichever context you carve"
    yield from (f"  {each.at}: {each.text}" for each in found.dangers)


def _order(found: Plan) -> Iterator[str]:
    yield "\nOrder of carving, cheapest first"
    width = max(map(len, found.costs))
    for place, each in enumerate(found.order, start=1):
        yield f"  {place:>3}  {each.context:<{width}}  {shown(each.points):>5}  {each.why}"
    yield "  Points are relative, not hours: 1 is one line, 5 an event or a lookup to agree on."


def _cycles(found: Plan) -> Iterator[str]:
    for each in found.cycles:
        yield f"\nCycle: {', '.join(each.contexts)}"
        pairs = [f"{source} → {target}" for source, target in each.cuts]
        more = f" and {len(pairs) - CUTS_MAX} more" if len(pairs) > CUTS_MAX else ""
        yield f"  to break it, cut {', '.join(pairs[:CUTS_MAX])}{more}: {points_of(each.points)}"


def _suggestion(found: Plan) -> Iterator[str]:
    suggested = found.suggestion
    if suggested is None or not found.pairings:
        return
    yield f"\nSuggested contexts{' for the apps that are in none' if suggested.kept else ''}"
    if not suggested.contexts:
        yield f"  None; {suggested.why}."
        return
    if suggested.hubs:
        yield f"  Coupled with nearly all, carve last: {', '.join(suggested.hubs)}"
    yield f'  --contexts "{suggested.line}"'
    yield '  CARVEOUT["CONTEXTS"] ' + ("|= {" if suggested.kept else "= {")
    for name, members in suggested.contexts.items():
        apps = [found.modules.get(each, each) for each in members if is_app(each)]
        parts = [each for each in members if not is_app(each)]
        more = f', "modules": [{_quoted(parts)}]' if parts else ""
        yield _wrapped(f'"{name}": {{"apps": [{_quoted(apps)}]{more}}},', "      ")
    yield "  }"


def _quoted(names: list[str]) -> str:
    return ", ".join(f'"{each}"' for each in names)


def _measures(by_grouping: dict[str, Measures]) -> Iterator[str]:
    if len(by_grouping) < 2:
        return
    yield "\nGroupings compared"
    yield f"  {'':<10} contexts     SM    ICP    IFN    NED"
    for name, each in by_grouping.items():
        yield (
            f"  {name:<10} {each.contexts:>8} {each.modularity:>6.2f} {each.crossing:>6.0%}"
            f" {each.interfaces:>6.1f} {each.extreme:>6.0%}"
        )
    yield f"{_wrapped(LEGEND, '  ')}"


def _cuts(found: Plan) -> Iterator[str]:
    if not found.pairings:
        return
    yield (
        "\nCuts by pair, most expensive first; to list each cut:"
        f" --context {found.pairings[0].source}"
    )
    for each in found.pairings[:PAIRS_MAX]:
        count = len(each.lines)
        yield (
            f"  {each.source} → {each.target}: {points_of(each.points)},"
            f" {count} coupling{pluralize(count)}: {_become(each)}{_in_tests(each)}"
        )
        yield from _commands(each)
    rest = found.pairings[PAIRS_MAX:]
    if rest:
        points = points_of(sum(each.points for each in rest))
        yield f"  and {len(rest)} more pairs, {points} together"
    only = found.pairings_in_tests
    if only:
        points = points_of(sum(total(each.in_tests) for each in only))
        yield f"  and {len(only)} pair{pluralize(len(only))} that only tests couple: {points}"


def _in_tests(pairing: Pairing) -> str:
    points = points_of(total(pairing.in_tests))
    return f"; {len(pairing.in_tests)} in tests: {points}" if pairing.in_tests else ""


def _become(pairing: Pairing) -> str:
    """What the pair's couplings become, the most frequent first."""
    counted = Counter(each.cut.to for each in pairing.lines)
    return ", ".join(f"{count} {to}" for to, count in counted.most_common())


def _commands(pairing: Pairing) -> Iterator[str]:
    commands = (one for line in pairing.lines for one in line.cut.commands)
    each = list(dict.fromkeys(commands))
    yield from (f"      $ {command}" for command in each[:COMMANDS_MAX])
    if len(each) > COMMANDS_MAX:
        yield f"      and {len(each) - COMMANDS_MAX} more"


def _wrapped(text: str, indent: str) -> str:
    return fill(text, 100, initial_indent=indent, subsequent_indent=f"{indent}    ")
