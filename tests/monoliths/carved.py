"""python carved.py FOLDER [FUNCTION[:KEY] ...]: carves functions of a monolith.

If none are named, these are the functions that another app calls without using what they return,
and the receivers of another app's rows. Prints a line of JSON for each: how many such calls there
are, how many became seams, and what was said about the others. What can be written is written,
into the folder.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import django

django.setup()

from django.apps import apps  # noqa: E402

from carveout.carving.carve import carving  # noqa: E402
from carveout.carving.carve.decisions import Decisions  # noqa: E402
from carveout.carving.carve.problem import CarveRefused  # noqa: E402
from carveout.carving.survey import grouping  # noqa: E402
from carveout.carving.survey.dangers.call_graph import Callgraph, function_of  # noqa: E402
from carveout.carving.survey.kinds import url_names  # noqa: E402
from carveout.carving.survey.kinds.signal_receivers import live_receivers  # noqa: E402
from carveout.carving.survey.model_index import Models  # noqa: E402
from carveout.carving.survey.model_inference import Rows  # noqa: E402
from carveout.carving.survey.project import Project  # noqa: E402
from carveout.carving.survey.sources import Sources  # noqa: E402


def project(folder: Path) -> Project:
    """In the contexts of the settings; if there are none, each app is one."""
    if contexts := grouping.declared():
        return Project(folder, contexts, cached=False)
    own = [each for each in apps.get_app_configs() if Path(each.path).is_relative_to(folder)]
    return Project(folder, {each.label: [each.label] for each in own}, cached=False)


def called(folder: Path) -> dict[str, dict[str, str]]:
    """By function: where other apps call it without using what it returns, and an event there."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    of = project(folder)
    url_names.owners(of)
    sources = Sources(of)
    for name, calls in Callgraph(sources, Rows(sources, Models(of), set())).calls.items():
        home = sources.by_module.get(sources.module_of(name))
        if home is None or home.in_tests or home.migration or not sources.is_function(name):
            continue
        for source, call in calls:
            if source.app != home.app and call.alone and not source.in_tests:
                found[name][function_of(source, call)] = event(of, source.app, call.place.scope)
    models = {id(model): model for model in Models(of).all}
    for each in live_receivers(sources):
        app, model = of.app_of(each.function.module), models.get(each.sender_id)
        if of.is_own(app) and model and of.app_of_model(model) != app:
            name = ".".join(each.function)
            found[name][name] = event(of, app, each.function.qualname)
    return found


def event(of: Project, app: str, scope: str) -> str:
    """A type of an event that only one function publishes."""
    words = scope.replace(".", "_").split("_")
    return f"{of.context_of(app)}.{''.join(map(str.capitalize, words))}"


def carved(folder: Path, name: str, key: str, events: dict[str, str]) -> Any:
    """A function is about its last argument that is a row, if it has several."""
    try:
        return carving.carve(project(folder), Decisions(name, key, events=events))
    except CarveRefused as error:
        _, asked, named = str(error).rpartition("its parameters: ")
        if not asked or " or " not in named:
            raise
        key = f"{named.rstrip('.').rpartition(' or ')[2]}.pk"
        return carving.carve(project(folder), Decisions(name, key, events=events))


def main(folder: Path, chosen: dict[str, str]) -> None:
    for name, events in sorted(called(folder).items()):
        if chosen and name not in chosen:
            continue
        key = chosen.get(name, "")
        line: dict[str, Any] = {"name": name, "calls": len(events), "seams": 0}
        try:
            found = carved(folder, name, key, events)
        except CarveRefused as error:
            print(json.dumps({**line, "said": [str(error)]}))  # noqa: T201
            continue
        found.write()
        line["said"] = [str(each) for each in (*found.refused, *found.blocking)]
        if not found.blocking:
            line["seams"] = sum(len(plan.sites) for plan in found.plans.values())
            line["written"] = sorted(str(path.relative_to(folder)) for path in found.changed)
            line["again"] = [str(path) for path in carved(folder, name, key, events).changed]
        print(json.dumps(line))  # noqa: T201


main(
    Path(sys.argv[1]).resolve(),
    {name: key for name, _, key in (each.partition(":") for each in sys.argv[2:])},
)
