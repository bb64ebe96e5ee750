"""Carves a function: plans the new text of every file, and writes nothing."""

from dataclasses import replace

from carveout.carving.carve import receivers, subject
from carveout.carving.carve.afterwards import Afterwards
from carveout.carving.carve.arguments import Plans
from carveout.carving.carve.call_sites import FileUses, guesses, named_by_strings, uses
from carveout.carving.carve.carved import Carved
from carveout.carving.carve.decisions import Decisions
from carveout.carving.carve.event_path import EventPath
from carveout.carving.survey.dangers.call_graph import Callgraph
from carveout.carving.survey.kinds import url_names
from carveout.carving.survey.model_index import Models
from carveout.carving.survey.model_inference import Rows
from carveout.carving.survey.project import Project
from carveout.carving.survey.sources import Sources


def carve(project: Project, decisions: Decisions) -> Carved:
    """Raises: CarveRefused: the function or its key can't be carved."""
    url_names.owners(project)  # loads models and receivers that only pages import
    sources = Sources(project)
    receiver = receivers.separate(sources, decisions.function)
    if receiver is not None:
        events = {receiver.name: decisions.event} if decisions.event else {}
        events |= decisions.events
        decisions = replace(decisions, function=receiver.does, events=events)
    every = {(one, other) for one in project.apps for other in project.apps}
    graph = Callgraph(sources, Rows(sources, Models(project), every))
    callee = subject.callee_named(graph, decisions.function)
    models = {each.name: subject.model_of(graph, callee, each.name) for each in callee.parameters}
    if receiver is not None:
        callee = callee._replace(short=receiver.short)
        models |= {name: model for name, model in receiver.models.items() if name in models}
    key = subject.key_of(callee, models, decisions.key)
    rows = subject.rows_passed(graph, callee, models, key)
    found = Carved(callee, key, receiver=receiver.short if receiver else "")
    found.notices += named_by_strings(graph, callee)
    plans = Plans(graph, callee, decisions, key, rows)
    files = list(uses(graph, callee))
    afterwards = Afterwards(graph, callee)
    for each in files:
        _sort(found, plans, each, afterwards)
    plans.agree()
    found.plans, found.refused = plans.by_type, found.refused + plans.problems
    if found.plans:
        EventPath(graph, found, plans).write(files)
        looked_up = {model for each in found.lookups for model in each.fields.models()}
        for site in [site for plan in found.plans.values() for site in plan.sites]:
            found.notices += guesses(graph, callee, site)
            found.notices += afterwards.changes(site, looked_up)
    found.unread = sources.unread
    return found


def _sort(found: Carved, plans: Plans, each: FileUses, afterwards: Afterwards) -> None:
    """Plan the calls of a file, or list those that stay."""
    project = plans.graph.sources.project
    context = project.context_of(each.source.app)
    named = plans.decisions.events
    found.already += each.found.already
    for site in each.sites:
        module, scope = each.source.facts.module, site.call.scope
        if context == found.callee.context and not {f"{module}.{scope}", scope} & {*named}:
            if module.endswith(".subscribers"):
                continue  # it replaces the calls
            found.at_home.append(f"{each.source.file}:{site.call.line}")
            continue
        subject.insist_on_context(project, each.source.app)
        if problem := afterwards.reads(site):
            found.refused.append(problem)
        else:
            plans.add(site, context)
    if context != found.callee.context:
        found.refused += each.found.problems
