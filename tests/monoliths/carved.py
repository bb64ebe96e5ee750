"""python carved.py FOLDER: carves each function of a monolith that another app only calls.

Prints a line of JSON for each: how many calls other apps have, how many became seams, and what was
said about the others. What can be written is written, into the folder.
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
from carveout.carving.survey.dangers.call_graph import Callgraph, function_of  # noqa: E402
from carveout.carving.survey.kinds import url_names  # noqa: E402
from carveout.carving.survey.model_index import Models  # noqa: E402
from carveout.carving.survey.model_inference import Rows  # noqa: E402
from carveout.carving.survey.project import Project  # noqa: E402
from carveout.carving.survey.sources import Sources  # noqa: E402


def project(folder: Path) -> Project:
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
                scope = call.place.scope.replace(".", "_").split("_")
                event = f"{of.context_of(source.app)}.{''.join(map(str.capitalize, scope))}"
                found[name][function_of(source, call)] = event
    return found


def carved(folder: Path, name: str, events: dict[str, str]) -> Any:
    """A function is about its last argument that is a row, if it has several."""
    try:
        return carving.carve(project(folder), Decisions(name, events=events))
    except CarveRefused as error:
        *_, named = str(error).rpartition("its parameters: ")
        if " or " not in named:
            raise
        key = f"{named.rstrip('.').rpartition(' or ')[2]}.pk"
        return carving.carve(project(folder), Decisions(name, key, events=events))


def main(folder: Path) -> None:
    for name, events in sorted(called(folder).items()):
        line: dict[str, Any] = {"name": name, "calls": len(events), "seams": 0}
        try:
            found = carved(folder, name, events)
        except CarveRefused as error:
            print(json.dumps({**line, "said": [str(error)]}))  # noqa: T201
            continue
        found.write()
        line["said"] = [str(each) for each in (*found.refused, *found.blocking)]
        if not found.blocking:
            line["seams"] = sum(len(plan.sites) for plan in found.plans.values())
            line["written"] = sorted(str(path.relative_to(folder)) for path in found.changed)
            line["again"] = [str(path) for path in carved(folder, name, events).changed]
        print(json.dumps(line))  # noqa: T201


main(Path(sys.argv[1]).resolve())
