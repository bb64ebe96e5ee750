"""Carves a function: plans the new text of every file, and writes nothing."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model

from carveout.carving.carve import imports, seam_rewrite, skeletons
from carveout.carving.carve.arguments import SCALARS, EventPlan, Key, Plans
from carveout.carving.carve.call_sites import FileUses, named_by_strings, uses
from carveout.carving.carve.callee import Callee, Unbound, callee_of
from carveout.carving.carve.decisions import Decisions
from carveout.carving.carve.fields import Fields, Leaf, Place, Unread, step
from carveout.carving.carve.id_edits import apply
from carveout.carving.carve.planned import Planned
from carveout.carving.carve.problem import CarveRefused, Problem
from carveout.carving.carve.reads import Reading, function_in
from carveout.carving.carve.skeletons import Added, Handler
from carveout.carving.survey.dangers.call_graph import Callgraph
from carveout.carving.survey.dangers.external_reach import ExternalReach
from carveout.carving.survey.kinds import url_names
from carveout.carving.survey.model_index import Models
from carveout.carving.survey.model_inference import Rows
from carveout.carving.survey.project import Project
from carveout.carving.survey.sources import SourceFile, Sources
from carveout.conf.validation import suggest


@dataclass
class Carved(Planned):
    """What a carving would change."""

    callee: Callee
    key: Key
    plans: dict[str, EventPlan] = field(default_factory=dict)
    at_home: list[str] = field(default_factory=list)
    """Calls in the function's own context, which stay as they are."""
    already: int = 0
    """Calls that are in a seam."""
    fields: Fields | None = None
    lookup: str = ""
    reader: str = ""
    refused: list[Problem] = field(default_factory=list)
    """Calls that stay as they are."""
    notices: list[Problem] = field(default_factory=list)


def carve(project: Project, decisions: Decisions) -> Carved:
    """Raises: CarveRefused: the function or its key can't be carved."""
    graph = _graph(project)
    callee = _callee(graph, decisions.function)
    model, key = _key(graph, callee, decisions.key)
    found = Carved(callee, key)
    found.notices += named_by_strings(graph, callee)
    plans = Plans(graph, callee, decisions, key)
    files = list(uses(graph, callee))
    for each in files:
        _sort(found, plans, each, project)
    found.plans, found.refused = plans.by_type, found.refused + plans.problems
    if found.plans:
        _Writer(graph, found, plans, model).write(files)
    return found


def _graph(project: Project) -> Callgraph:
    url_names.owners(project)  # loads models and receivers that only pages import
    sources = Sources(project)
    return Callgraph(sources, Rows(sources, Models(project), set()))


def _callee(graph: Callgraph, name: str) -> Callee:
    sources = graph.sources
    name = sources.origin(name)
    module = sources.module_of(name)
    source = sources.by_module.get(module)
    inside = name.removeprefix(f"{module}.")
    node = function_in(source, inside) if source and inside != name else None
    if source is None or node is None:
        known = list(source.facts.definitions) if source else [*sources.by_module]
        near = f"{suggest(inside, known)}" if source else suggest(name, known)
        raise CarveRefused(f"There is no function {name!r} in this project. {near}")
    _context(sources.project, source.app)
    try:
        return callee_of(name, source, sources.project.context_of(source.app), node)
    except Unbound as error:
        raise CarveRefused(
            f"{source.file}:{node.lineno}: {inside} can't be carved: {error}. Fix: write a function"
            " that takes each argument by itself, call that, and carve it."
        ) from error


def _context(project: Project, app: str) -> None:
    if app not in project.contexts:
        raise CarveRefused(
            f"The app {app!r} is in no context. Add it to CARVEOUT['CONTEXTS'], such as"
            f' "{app}": {{"apps": ["{app}"]}}.'
        )


def _key(graph: Callgraph, callee: Callee, given: str) -> tuple[type[Model] | None, Key]:
    """The model that is looked up, if one is, and the key."""
    of = {each.name: _model(graph, callee, each.name) for each in callee.parameters}
    if not given:
        candidates = [name for name, model in of.items() if model is not None]
        if len(candidates) != 1:
            which = " or ".join(candidates) or ", ".join(of) or "none"
            raise CarveRefused(
                f"{callee.name}: which of its arguments identifies what happened? Add --key"
                f" PARAMETER.FIELD or --key PARAMETER; its parameters: {which}."
            )
        given = _default_key(candidates[0], of[candidates[0]])
    name, _, attribute = given.partition(".")
    if name not in of:
        raise CarveRefused(f"--key {given}: no parameter is named {name!r}. {suggest(name, of)}")
    model = of[name]
    if not attribute:
        parameter = callee.parameter(name)
        if model is not None:
            raise CarveRefused(f"--key {given}: {name} is an object. Name its field: {name}.pk.")
        type_ = parameter.annotation if parameter else ""
        return None, Key(name, "", type_ if type_ in SCALARS else "str")
    if model is None:
        raise CarveRefused(
            f"--key {given}: the model of {name} is not known. Annotate it in {callee.source.file}:"
            f"{callee.node.lineno}."
        )
    return model, Key(name, attribute, _unique(model, attribute, given))


def _default_key(parameter: str, model: type[Model] | None) -> str:
    return f"{parameter}.{model._meta.pk.attname}" if model else parameter


def _unique(model: type[Model], attribute: str, given: str) -> str:
    try:
        leaf = step(Place(Fields(model), model), attribute)
        column = model._meta.pk if attribute == "pk" else model._meta.get_field(attribute)
    except (Unread, FieldDoesNotExist) as error:
        raise CarveRefused(f"--key {given}: {error}.") from error
    if not getattr(column, "unique", False) or not isinstance(leaf, Leaf):
        unique = [each.name for each in model._meta.concrete_fields if each.unique]
        raise CarveRefused(
            f"--key {given}: {model._meta.label}.{attribute} is not unique. Use one of"
            f" {', '.join(unique)}."
        )
    return leaf.type


def _model(graph: Callgraph, callee: Callee, parameter: str) -> type[Model] | None:
    found = callee.parameter(parameter)
    facts = callee.source.facts
    name = found.annotation.strip("'\"").partition(" |")[0] if found else ""
    if name:
        resolved = graph.sources.origin(facts.resolve(name))
        return graph.rows.models.by_class.get(resolved)
    inferred, _ = graph.rows.of(callee.source, parameter, callee.inside)
    like = graph.rows.models.named_like(parameter)
    return inferred or (like[0] if len(like) == 1 else None)


def _sort(found: Carved, plans: Plans, each: FileUses, project: Project) -> None:
    """Plan the calls of a file, or list those that stay."""
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
        _context(project, each.source.app)
        plans.add(site, context)
    if context != found.callee.context:
        found.refused += each.found.problems


class _Writer:
    """Plans the new text of every file."""

    def __init__(
        self, graph: Callgraph, found: Carved, plans: Plans, model: type[Model] | None
    ) -> None:
        self.graph, self.found, self.plans, self.model = graph, found, plans, model
        self.project = graph.sources.project

    def write(self, files: Iterable[FileUses]) -> None:
        for each in files:
            self.seams(each)
        for plan in self.found.plans.values():
            self.event(plan)
        if self.model is not None:
            self.lookup(self.model)
        self.handler()

    def seams(self, each: FileUses) -> None:
        event_of = {site.old: plan for plan in self.found.plans.values() for site in plan.sites}
        seams = {
            old: seam_rewrite.SeamText(
                self.found.callee.seam, event_of[old].name, self.plans.values[old]
            )
            for old, _ in each.found.calls
            if old in event_of
        }
        if not seams:
            return
        text = seam_rewrite.rewrite(each.found, seams)
        package = self.project.apps[each.source.app].module
        wanted = {("carveout", ""), *((f"{package}.events", seam.event) for seam in seams.values())}
        self.found.put(each.source.path, imports.add(text, wanted, self.is_own))

    def event(self, plan: EventPlan) -> None:
        site = plan.sites[0]
        doc = f"Replaces calls of {self.found.callee.seam}, as in {site.call.scope}."
        path = self.file(site.source, "events.py", f"What {plan.context} announces.")
        key = self.found.key.field
        self.add(
            path, skeletons.with_event(self.found.text(path), plan.name, key, plan.fields, doc)
        )

    def lookup(self, model: type[Model]) -> None:
        callee, key = self.found.callee, self.found.key
        fields = Fields(model)
        reading = Reading(self.graph)
        reading.follow(callee.source, callee.inside, {key.parameter: Place(fields, model)})
        self.found.blocking += reading.problems
        self.found.fields = fields
        for file in {each.file for each in reading.edits}:
            path = self.project.root / file
            self.found.put(
                path, apply(self.found.text(path), [e for e in reading.edits if e.file == file])
            )
        if not fields.read:
            place = Place(fields, model)
            leaf = step(place, key.attribute)
            if isinstance(leaf, Leaf):
                place.record(key.attribute, leaf)
        label = model._meta.app_label
        _context(self.project, label)
        owner, name = self.project.context_of(label), str(model._meta.model_name)
        self.found.lookup = f"{owner}.{name}"
        path = Path(apps.get_app_config(label).path).resolve() / "lookups.py"
        self.begin(path, f"What {owner} lets others look up.")
        offered = skeletons.with_lookup(self.found.text(path), name, key.attribute, fields)
        self.add(path, offered)
        suffix = f"To{_camel(callee.function)}"
        self.found.reader = f"{model.__name__}{suffix}"
        path = self.file(
            callee.source, "lookups.py", f"What {callee.context} reads of other contexts."
        )
        doc = f"What {callee.seam} reads of it."
        reader = skeletons.with_reader(
            self.found.text(path), self.found.reader, self.found.lookup, fields, suffix, doc
        )
        self.add(path, reader)

    def handler(self) -> None:
        callee, key, plans = self.found.callee, self.found.key, self.found.plans
        package, _, module = callee.source.facts.module.rpartition(".")
        wanted = [(package, module)] if package else [(module, "")]
        arguments: list[tuple[str, str, bool]] = []
        tables: dict[str, dict[str, str]] = {}
        for position, parameter in enumerate(callee.parameters):
            if value := self.passed(parameter.name, tables, wanted):
                skipped = len(arguments) < position
                arguments.append((parameter.name, value, parameter.keyword_only or skipped))
        reach = ExternalReach(self.graph)
        handler = Handler(
            callee.function,
            f"{module}.{callee.inside}",
            callee.seam,
            self.found.reader,
            key.parameter,
            arguments,
            tables,
            list(plans),
            bool(reach.reached(callee.name)) and apps.is_installed("django_rq"),
        )
        path = self.file(
            callee.source, "subscribers.py", f"What {callee.context} does about events."
        )
        if self.found.reader:
            home = self.project.apps[callee.source.app].module
            wanted.append((f"{home}.lookups", self.found.reader))
        written = skeletons.with_handler(self.found.text(path), handler)
        self.add(path, written._replace(imports=(*written.imports, *wanted)))

    def passed(
        self, name: str, tables: dict[str, dict[str, str]], wanted: list[imports.Wanted]
    ) -> str:
        """What the subscriber passes for a parameter; empty if nothing: it has a default.

        tables, wanted: get what that needs, constants by event and imports.
        """
        key, plans = self.found.key, self.found.plans
        if name == key.parameter:
            return name if key.attribute else f"event.{key.field}"
        if any(name in plan.fields for plan in plans.values()):
            return f"event.{name}"
        constants = {
            type_: plan.constants[name] for type_, plan in plans.items() if name in plan.constants
        }
        if not constants:
            return ""
        first = next(iter(constants.values()))
        if len(constants) == len(plans) and len({each.text for each in constants.values()}) == 1:
            wanted += first.wanted
            return first.text
        tables[name] = {type_: each.text for type_, each in constants.items()}
        wanted += [one for each in constants.values() for one in each.wanted]
        return f"{skeletons.table(self.found.callee.function, name)}[event.type]"

    # -- Files ---------------------------------------------------------------------------------

    def file(self, source: SourceFile, name: str, doc: str) -> Path:
        """A file of the app that a source file is in. doc: what a new file begins with."""
        path = Path(self.project.apps[source.app].path) / name
        self.begin(path, doc)
        return path

    def begin(self, path: Path, doc: str) -> None:
        if not self.found.text(path).strip():
            self.found.put(path, f'"""{doc}"""\n')

    def add(self, path: Path, added: Added) -> None:
        if added.lacking:
            problem = Problem(self.project.file(path), 1, added.lacking, "or add it by hand")
            self.found.blocking.append(problem)
            return
        wanted = {each for each in added.imports if each != ("", "")}
        self.found.put(path, imports.add(added.text, wanted, self.is_own))

    def is_own(self, module: str) -> bool:
        return self.project.is_own(self.project.app_of(module))


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
