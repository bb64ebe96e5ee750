"""The plan: all that can be said of carving a project, from its survey and a recording of it."""

from collections.abc import Iterable

import msgspec
from django.apps import apps as registry

from carveout.plan.cost import Cost, Lines, costs, further, own_apps
from carveout.plan.cycles import Cycle, cycles
from carveout.plan.graph import graph
from carveout.plan.libraries import libraries
from carveout.plan.line import Line, lines, total
from carveout.plan.measures import Grouping, Measures, measures
from carveout.plan.order import Step, order
from carveout.plan.shipped import lacking
from carveout.plan.suggestion import APPS_MIN, Suggestion, suggestion
from carveout.plan.surety import Surety, surety
from carveout.recorder.confirmed import confirmed
from carveout.recorder.recording import Recording
from carveout.survey.dangers.danger import Danger
from carveout.survey.found import Survey

EACH_APP = "each app"


class Pairing(msgspec.Struct, frozen=True, kw_only=True):
    """What has to be cut from one context to another, the dearest first."""

    source: str
    target: str
    points: float
    lines: list[Line]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    declared: list[str]
    """Names of contexts; none if every app is one."""
    further: list[str]
    """Apps that are in no context, while others are."""
    kernels: list[str]
    points: float
    """What it costs to cut all couplings of contexts."""
    order: list[Step]
    costs: dict[str, Cost]
    dangers: list[Danger]
    """Those in no context, such as settings: whatever is carved, they come first."""
    cycles: list[Cycle]
    suggestion: Suggestion | None
    measures: dict[str, Measures]
    """By grouping: each app, the contexts declared or tried, those suggested."""
    surety: Surety
    pairings: list[Pairing]
    modules: dict[str, str]
    """Of apps by label, as settings name them."""
    lacking: list[str]
    """Commands that the plan names and this version does not have yet."""


def plan(
    found: Survey,
    recording: Recording | None = None,
    suggest: bool = False,
    accounts: str = "",
) -> Plan:
    """Where no contexts are declared, or if it is asked for, it suggests some; where some are, it
    suggests more for the apps that are in none.

    `accounts`: the app that has AUTH_USER_MODEL, which goes last.
    """
    if recording:
        found = confirmed(found, recording)
    apps = own_apps(found)
    shared = libraries(found.couplings, len(apps))
    between = {pair: lines(group, shared) for pair, group in found.pairs.items()}
    every = [each for group in between.values() for each in group]
    within = lines((each for each in found.couplings if each.source != each.target), shared)
    others = further(found) if found.declared else []
    suggested = _suggested(found, within, others, suggest)
    cost = costs(found, between, accounts)
    return Plan(
        declared=found.declared,
        further=others,
        kernels=found.kernels,
        points=total(every),
        order=order(cost, others),
        costs=cost,
        dangers=[each for each in found.dangers if found.contexts.get(each.app) not in cost],
        cycles=cycles({pair: total(group) for pair, group in between.items()}),
        suggestion=suggested,
        measures=_measures(found, within, suggested),
        surety=surety(found, every, recording, suggested),
        pairings=_pairings(between),
        modules={
            each.label: each.name for each in registry.get_app_configs() if each.label in apps
        },
        lacking=lacking(each.cut.command for each in every),
    )


def _suggested(
    found: Survey, every: list[Line], further: list[str], suggest: bool
) -> Suggestion | None:
    """Of all apps, or of those that are in no context; what is declared is kept then."""
    if suggest or not found.declared:
        return suggestion(every, own_apps(found))
    if not found.beyond or len(further) < APPS_MIN:
        return None
    apps = [each for each in own_apps(found) if each not in further]
    return msgspec.structs.replace(suggestion(every, further), kept=_declared(found, apps))


def _measures(
    found: Survey, every: list[Line], suggested: Suggestion | None
) -> dict[str, Measures]:
    """Hubs are left out: they are coupled with all, however the rest is grouped."""
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
    """An app in none is its own."""
    grouping: dict[str, list[str]] = {}
    for app in apps:
        grouping.setdefault(found.contexts[app], []).append(app)
    return grouping


def _pairings(between: Lines) -> list[Pairing]:
    found = [
        Pairing(
            source=source,
            target=target,
            points=total(group),
            lines=sorted(group, key=lambda each: (-each.points, each.coupling.identity)),
        )
        for (source, target), group in between.items()
    ]
    return sorted(found, key=lambda each: (-each.points, each.source, each.target))
