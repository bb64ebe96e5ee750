"""Writes the event path of a carving: seams, events, lookups, readers and subscribers."""

from collections.abc import Iterable
from pathlib import Path

from django.apps import apps

from carveout.carving.carve import imports, seam_rewrite, skeletons
from carveout.carving.carve.arguments import EventPlan, Plans
from carveout.carving.carve.call_sites import FileUses
from carveout.carving.carve.carved import Carved, PlannedLookup
from carveout.carving.carve.fields import Fields, Leaf, Place, step
from carveout.carving.carve.problem import Problem
from carveout.carving.carve.reads import Reading
from carveout.carving.carve.row_edits import Edit, Widened, apply
from carveout.carving.carve.skeletons import Added, Handler, NewReader
from carveout.carving.carve.subject import insist_on_context
from carveout.carving.survey.dangers.call_graph import Callgraph
from carveout.carving.survey.dangers.external_reach import ExternalReach
from carveout.carving.survey.sources import SourceFile


class EventPath:
    """Plans the new text of every file."""

    def __init__(self, graph: Callgraph, found: Carved, plans: Plans) -> None:
        self.graph, self.found, self.plans = graph, found, plans
        self.project = graph.sources.project
        self.edits: set[Edit] = set()

    def write(self, files: Iterable[FileUses]) -> None:
        self.follow()
        for each in files:
            self.seams(each)
        for file in {each.file for each in self.edits}:
            path, edits = self.project.root / file, self.edits_of(file)
            self.found.put(path, _for_types(apply(self.found.text(path), edits), edits))
        for plan in self.found.plans.values():
            self.event(plan)
        for planned in self.found.lookups:
            self.lookup(planned)
        self.handler()

    def follow(self) -> None:
        """Find what is read of the rows that have to be looked up, and where they are stored."""
        callee = self.found.callee
        passed = {name for plan in self.found.plans.values() for name in plan.rows}
        reading = Reading(self.graph, callee.context, self.suffix)
        places: dict[str, Place] = {}
        for row in self.plans.rows.values():
            if row.parameter in passed and not row.is_own:
                fields = Fields(row.model)
                places[row.parameter] = Place(fields, row.model)
                reader = f"{row.model.__name__}{self.suffix}"
                self.found.lookups.append(PlannedLookup(row, reader, fields))
        reading.follow(callee.source, callee.inside, places)
        self.found.blocking += reading.problems
        self.edits = reading.edits
        for each in self.found.lookups:
            place = places[each.row.parameter]
            leaf = step(place, each.row.attribute)
            if not each.fields.read and isinstance(leaf, Leaf):
                place.record(each.row.attribute, leaf)

    @property
    def suffix(self) -> str:
        """What the names of the readers end with."""
        return f"To{''.join(map(str.capitalize, self.found.callee.function.split('_')))}"

    def edits_of(self, file: str) -> set[Edit]:
        """The edits of a file, which are about its text as it was found; they are done once."""
        taken = {each for each in self.edits if each.file == file}
        self.edits -= taken
        return taken

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
        edits = self.edits_of(each.source.file)
        text = _for_types(seam_rewrite.rewrite(each.found, seams, edits), edits)
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

    def lookup(self, planned: PlannedLookup) -> None:
        callee, row = self.found.callee, planned.row
        label = row.model._meta.app_label
        insist_on_context(self.project, label)
        owner, name = self.project.context_of(label), str(row.model._meta.model_name)
        planned.name = f"{owner}.{name}"
        path = Path(apps.get_app_config(label).path).resolve() / "lookups.py"
        self.begin(path, f"What {owner} lets others look up.")
        offered = skeletons.with_lookup(self.found.text(path), name, row.attribute, planned.fields)
        self.add(path, offered)
        path = self.file(
            callee.source, "lookups.py", f"What {callee.context} reads of other contexts."
        )
        by = "" if row.field == self.found.key.field else row.field
        reader = NewReader(planned.reader, planned.name, by, planned.fields, self.suffix)
        doc = f"What {callee.seam} reads of it."
        self.add(path, skeletons.with_reader(self.found.text(path), reader, doc))

    def handler(self) -> None:
        callee, plans = self.found.callee, self.found.plans
        call, wanted = self.called()
        arguments: list[tuple[str, str, bool]] = []
        tables: dict[str, dict[str, str]] = {}
        holder = callee.holder.parameter if callee.holder else ""
        parameters = [each for each in callee.parameters if each.name != holder or not holder]
        for position, parameter in enumerate(parameters):
            if value := self.passed(parameter.name, tables, wanted):
                skipped = len(arguments) < position
                arguments.append((parameter.name, value, parameter.keyword_only or skipped))
        reach = ExternalReach(self.graph)
        handler = Handler(
            callee.function,
            call,
            f"{callee.source.facts.module.rpartition('.')[2]}.{callee.inside}",
            callee.seam,
            [(each.row.parameter, each.reader) for each in self.found.lookups],
            arguments,
            tables,
            list(plans),
            bool(reach.reached(callee.name)) and apps.is_installed("django_rq"),
            callee.node.returns is not None or any(each.annotation for each in callee.parameters),
        )
        path = self.file(
            callee.source, "subscribers.py", f"What {callee.context} does about events."
        )
        home = self.project.apps[callee.source.app].module
        wanted += [(f"{home}.lookups", each.reader) for each in self.found.lookups]
        written = skeletons.with_handler(self.found.text(path), handler)
        self.add(path, written._replace(imports=(*written.imports, *wanted)))

    def called(self) -> tuple[str, list[imports.Wanted]]:
        """What the subscriber calls, and what that imports."""
        callee = self.found.callee
        if callee.holder and callee.holder.model:
            wanted: list[imports.Wanted] = []
            return f"{self.row(callee.holder.parameter, wanted)}.{callee.method}", wanted
        package, _, module = callee.source.facts.module.rpartition(".")
        inside = callee.inside
        if callee.holder:
            inside = f"{inside.rpartition('.')[0]}().{callee.method}"
        return f"{module}.{inside}", [(package, module)] if package else [(module, "")]

    def row(self, name: str, wanted: list[imports.Wanted]) -> str:
        """The expression that reads a row of the function's own context."""
        row = self.plans.rows[name]
        wanted.append((row.model.__module__, row.model.__name__))
        return row.read

    def passed(
        self, name: str, tables: dict[str, dict[str, str]], wanted: list[imports.Wanted]
    ) -> str:
        """What the subscriber passes for a parameter; empty if nothing: it has a default.

        tables, wanted: get what that needs, constants by event and imports.
        """
        plans = self.found.plans
        if any(name in plan.rows for plan in plans.values()):
            return self.row(name, wanted) if self.plans.rows[name].is_own else name
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


def _for_types(text: str, edits: set[Edit]) -> str:
    """The file with imports of the readers that its annotations name."""
    for each in sorted({(e.module, e.reader) for e in edits if isinstance(e, Widened)}):
        text = imports.add_for_types(text, *each)
    return text
