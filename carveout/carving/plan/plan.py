"""Makes the plan for carving a project, from its survey and, if there is one, a recording."""

from collections.abc import Collection, Iterable

import msgspec
from django.apps import apps as registry

from carveout.carving.plan.app_graph import graph
from carveout.carving.plan.confidence import Confidence, confidence
from carveout.carving.plan.cost import Cost, Lines, costs, further, own_apps
from carveout.carving.plan.cut_line import CutLine, lines, total
from carveout.carving.plan.cycles import Cycle, cycles
from carveout.carving.plan.layers import Layer, layers
from carveout.carving.plan.libraries import libraries
from carveout.carving.plan.measures import Grouping, Measures, measures
from carveout.carving.plan.order import CarvingStep, order
from carveout.carving.plan.suggestion import APPS_MIN, Suggestion, suggestion
from carveout.carving.recorder.merge import confirmed
from carveout.carving.recorder.recording import Recording
from carveout.carving.survey.dangers.danger import Danger
from carveout.carving.survey.result import Survey, running

EACH_APP = "each app"


class Pairing(msgspec.Struct, frozen=True, kw_only=True):
    """What has to be cut between two contexts, in one direction; the most expensive first."""

    source: str
    target: str
    points: float
    lines: list[CutLine]
    """Couplings of code that runs."""
    in_tests: list[CutLine] = []
    """Couplings that only tests need; not included in the points."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    declared: list[str]
    """Names of contexts; empty if each app counts as one."""
    further: list[str]
    """Apps that are in no context, while others are."""
    kernels: list[str]
    """Apps that are libraries in all but name: they stay, and are not contexts."""
    but_for: dict[str, list[CutLine]]
    """By kernel: the cuts that it still needs."""
    vendored: list[str]
    """Apps that are third-party code inside the project: they stay."""
    tests: list[str]
    """Apps of tests: they are not contexts, and the plan leaves them out."""
    points: float
    """What it costs to cut all couplings between contexts, except for those of tests."""
    points_in_tests: float
    """What it costs to cut the couplings that only tests need."""
    order: list[CarvingStep]
    costs: dict[str, Cost]
    dangers: list[Danger]
    """Dangers in no context, such as in settings: fix them first, whichever context you carve."""
    cycles: list[Cycle]
    layers: list[Layer]
    """Apps with pages of nearly all others, which make no good context."""
    suggestion: Suggestion | None
    measures: dict[str, Measures]
    """By grouping: each app by itself, the contexts declared or tried, those suggested."""
    surety: Confidence
    pairings: list[Pairing]
    pairings_in_tests: list[Pairing]
    """Pairs that only tests couple: code that runs needs no cut there."""
    modules: dict[str, str]
    """Module of each app by label, as settings name it."""


def plan(
    found: Survey,
    recording: Recording | None = None,
    suggest: bool = False,
    accounts: str = "",
) -> Plan:
    """The plan. It suggests contexts if none are declared or if `suggest` is set; else it suggests
    contexts for the apps that are in none.

    `accounts`: the app that owns AUTH_USER_MODEL, which goes last.
    """
    if recording:
        found = confirmed(found, recording)
    apps = own_apps(found)
    shared = libraries(found.couplings, len(apps))
    between = {pair: lines(group, shared) for pair, group in found.pairs.items()}
    of_tests = {pair: lines(group, shared) for pair, group in found.in_tests.items()}
    every = [each for group in between.values() for each in group]
    running_ones = (each for each in running(found.couplings) if each.source != each.target)
    within = lines(running_ones, shared)
    others = further(found) if found.declared else []
    suggested = _suggested(found, within, others, suggest)
    cost = costs(found, between, of_tests, accounts)
    return Plan(
        declared=found.declared,
        further=others,
        kernels=found.kernels,
        but_for={label: lines(back, shared) for label, back in found.but_for.items()},
        vendored=found.vendored,
        tests=found.tests,
        points=total(every),
        points_in_tests=total(each for group in of_tests.values() for each in group),
        order=order(cost, others),
        costs=cost,
        dangers=_elsewhere(found, cost),
        cycles=cycles({pair: total(group) for pair, group in between.items()}),
        layers=layers(found, apps),
        suggestion=suggested,
        measures=_measures(found, within, suggested),
        surety=confidence(found, every, recording, suggested),
        pairings=_pairings(between, of_tests),
        pairings_in_tests=_pairings(
            {}, {pair: of_tests[pair] for pair in of_tests if pair not in between}
        ),
        modules={
            each.label: each.name for each in registry.get_app_configs() if each.label in apps
        },
    )


def _elsewhere(found: Survey, contexts: Collection[str]) -> list[Danger]:
    """Dangers in no context, except for those in tests."""
    return [
        each
        for each in found.dangers
        if each.app not in found.tests and found.contexts.get(each.app) not in contexts
    ]


def _suggested(
    found: Survey, every: list[CutLine], further: list[str], suggest: bool
) -> Suggestion | None:
    """Groups of all apps, or of those in no context; declared contexts are kept then."""
    if suggest or not found.declared:
        return suggestion(every, own_apps(found))
    if not found.beyond or len(further) < APPS_MIN:
        return None
    apps = [each for each in own_apps(found) if each not in further]
    return msgspec.structs.replace(suggestion(every, further), kept=_declared(found, apps))


def _measures(
    found: Survey, every: list[CutLine], suggested: Suggestion | None
) -> dict[str, Measures]:
    """Measures without hubs, which are coupled with all apps however the rest is grouped."""
    hubs = suggested.hubs if suggested and suggested.contexts else []
    apps = [each for each in own_apps(found) if each not in hubs]
    edges = graph(every, apps)
    groupings: dict[str, Grouping] = {EACH_APP: {app: [app] for app in apps}}
    if found.declared:
        groupings["declared"] = _declared(found, apps)
    if suggested and suggested.contexts:
        groupings["suggested"] = _without(hubs, suggested.all)
    return {name: measures(each, edges, every, found.sizes) for name, each in groupings.items()}


def _without(hubs: list[str], grouping: Grouping) -> Grouping:
    left = {name: [app for app in apps if app not in hubs] for name, apps in grouping.items()}
    return {name: apps for name, apps in left.items() if apps}


def _declared(found: Survey, apps: Iterable[str]) -> Grouping:
    """The declared grouping; an app in no context is a group of its own."""
    grouping: dict[str, list[str]] = {}
    for app in apps:
        grouping.setdefault(found.contexts[app], []).append(app)
    return grouping


def _pairings(between: Lines, of_tests: Lines) -> list[Pairing]:
    """Pairs that code couples, with the couplings of tests; without any, the pairs of tests."""
    found = [
        Pairing(
            source=pair[0],
            target=pair[1],
            points=total(between.get(pair, ())),
            lines=_most_expensive_first(between.get(pair, ())),
            in_tests=_most_expensive_first(of_tests.get(pair, ())),
        )
        for pair in between or of_tests
    ]
    return sorted(
        found, key=lambda each: (-each.points, -total(each.in_tests), each.source, each.target)
    )


def _most_expensive_first(group: Iterable[CutLine]) -> list[CutLine]:
    return sorted(group, key=lambda each: (-each.points, each.coupling.identity))
