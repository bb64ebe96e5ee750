"""The plan as text: what it comes to first, then why, and the cuts by pair of contexts."""

from collections import Counter
from collections.abc import Iterator
from textwrap import fill

import msgspec
from django.template.defaultfilters import pluralize

from carveout.errors import SettingsInvalid
from carveout.plan.cutlist import cutlist
from carveout.plan.measures import Measures
from carveout.plan.plan import Pairing, Plan
from carveout.plan.points import points_of, shown

PAIRS_MAX = 60
COMMANDS_MAX = 3
CUTS_MAX = 8
LEGEND = (
    "SM: structural modularity, ICP: share of points that cross contexts, IFN: symbols that others"
    " use, by context, NED: share of modules in contexts much larger or smaller than the others."
    " SM is better high, the others low. Hubs are left out."
)


def as_json(found: Plan) -> str:
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode()


def as_text(found: Plan, contexts: list[str]) -> str:
    """All contexts in short, or each cut of those that are named.

    Raises: SettingsInvalid: there is no such context.
    """
    unknown = [each for each in contexts if each not in found.costs]
    if unknown:
        known = ", ".join(found.costs)
        raise SettingsInvalid(f"There is no context {unknown[0]}, only {known}.")
    parts = cutlist(found, contexts) if contexts else _text(found)
    return "\n".join(parts) + "\n"


def heading(found: Plan) -> str:
    """What is left between contexts, and what with apps that are in none."""
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
    yield from _surety(found)
    if found.pairings:
        yield from _dangers(found)
        yield from _order(found)
        yield from _cycles(found)
    yield from _suggestion(found)
    yield from _measures(found.measures)
    yield from _cuts(found)
    yield from _lacking(found)


def _surety(found: Plan) -> Iterator[str]:
    yield f"\nHow sure: {found.surety.level}"
    for each in found.surety.reasons:
        yield f"  {'-' if each.lowers else '+'} {each.text}"


def _dangers(found: Plan) -> Iterator[str]:
    if found.dangers:
        yield "\nDangers to see to first, whatever is carved"
    yield from (f"  {each.at}: {each.text}" for each in found.dangers)


def _order(found: Plan) -> Iterator[str]:
    yield "\nOrder of carving, the cheapest first"
    width = max(map(len, found.costs))
    for place, each in enumerate(found.order, start=1):
        yield f"  {place:>3}  {each.context:<{width}}  {shown(each.points):>5}  {each.why}"
    yield "  Points compare, they are no hours: 1 is one line, 5 an event or a lookup to agree on."


def _cycles(found: Plan) -> Iterator[str]:
    for each in found.cycles:
        yield f"\nIn a circle: {', '.join(each.contexts)}"
        pairs = [f"{source} → {target}" for source, target in each.cuts]
        more = f" and {len(pairs) - CUTS_MAX} more" if len(pairs) > CUTS_MAX else ""
        yield f"  cut to end it: {', '.join(pairs[:CUTS_MAX])}{more}: {points_of(each.points)}"


def _suggestion(found: Plan) -> Iterator[str]:
    suggested = found.suggestion
    if suggested is None or not found.pairings:
        return
    yield f"\nSuggested contexts{' for the apps that are in none' if suggested.kept else ''}"
    if not suggested.contexts:
        yield f"  None: {suggested.why}."
        return
    if suggested.hubs:
        yield f"  Coupled with nearly all, to be carved last: {', '.join(suggested.hubs)}"
    yield f'  --contexts "{suggested.line}"'
    yield '  CARVEOUT["CONTEXTS"] ' + ("|= {" if suggested.kept else "= {")
    for name, apps in suggested.contexts.items():
        modules = ", ".join(f'"{found.modules.get(app, app)}"' for app in apps)
        yield _wrapped(f'"{name}": {{"apps": [{modules}]}},', "      ")
    yield "  }"


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
    yield f"\nCuts by pair, the dearest first; each of them: --context {found.pairings[0].source}"
    for each in found.pairings[:PAIRS_MAX]:
        count = len(each.lines)
        yield (
            f"  {each.source} → {each.target}: {points_of(each.points)},"
            f" {count} coupling{pluralize(count)}: {_become(each)}"
        )
        yield from _commands(each)
    rest = found.pairings[PAIRS_MAX:]
    if rest:
        points = points_of(sum(each.points for each in rest))
        yield f"  and {len(rest)} more pairs, {points} together"


def _become(pairing: Pairing) -> str:
    """What its couplings become, the most frequent first."""
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


def _lacking(found: Plan) -> Iterator[str]:
    if found.lacking:
        names = " and ".join(f"`{each}`" for each in found.lacking)
        yield f"\nnotice: this version has no {names} yet; what they would do is done by hand."
