"""Plans the three steps from a foreign key to an id."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db.models import ForeignKey, Model

from carveout.carving.carve import imports, skeletons
from carveout.carving.carve.problem import Problem
from carveout.carving.survey.facts import ALWAYS
from carveout.carving.survey.model_inference import Rows
from carveout.carving.survey.project import Project
from carveout.carving.survey.sources import Sources
from carveout.carving.unlink import edits, model_file, owner_files
from carveout.carving.unlink.in_place import InPlace
from carveout.carving.unlink.migration_file import migration
from carveout.carving.unlink.owner_files import DeletedEvent, FilePart
from carveout.carving.unlink.relation import PROTECTS
from carveout.carving.unlink.step import ANNOUNCE, FOLLOW, KEEP, UNLINK, Unlinked


class Planner:
    """Writes the next step into what it is given."""

    def __init__(
        self, found: Unlinked, state: InPlace, project: Project, sources: Sources, rows: Rows
    ) -> None:
        self.found, self.relation, self.state = found, found.relation, state
        self.project, self.sources, self.rows = project, sources, rows
        self.edits: dict[Path, str] = {}
        """Files after the edits of the last step."""

    def edit(self) -> None:
        """Find out which uses the last step can change."""
        files = {each.file for each in self.found.uses}
        for source in [each for each in self.sources if each.file in files]:
            text, done = edits.edited(
                self.found.text(source.path), source, self.relation, self.found.uses, self.rows
            )
            self.found.edited |= done
            self.edits[source.path] = text

    def plan(self) -> None:
        found, relation, state = self.found, self.relation, self.state
        if not found.action and not state.subscription:
            found.blocking.append(self.undecided())
            return
        if found.action == KEEP and not state.subscription:
            self.write_id()
            return
        found.deletion = owner_files.deletion(relation, found.action, state)
        found.step = ANNOUNCE
        found.blocking += self.owner_lacks(found.deletion)
        if not found.blocking:
            self.announce(found.deletion)
        if found.changed or found.blocking:
            return
        found.step = FOLLOW
        if not state.subscription:
            path = self.app(relation.model._meta.app_label) / "subscribers.py"
            block = owner_files.follows_block(relation, found.deletion)
            self.add(path, f"What {relation.context} does about events.", [block])
        elif not state.has_begun:
            found.blocking.append(
                Problem(
                    relation.source.file,
                    relation.line,
                    f"the subscription {state.subscription} has not begun in this database",
                    f"deploy it first; here, run `manage.py consume {relation.context} --once`",
                )
            )
        else:
            found.step = UNLINK
            self.write_id()

    def undecided(self) -> Problem:
        relation = self.relation
        target = relation.target.__name__
        if relation.on_delete not in PROTECTS:
            text = f"on_delete={relation.on_delete} may do anything"
            fix = (
                f"pass --deleted, or write carveout.follows({relation.model.__name__}, …,"
                " on_delete=models.SET(…)) or a subscription of your own into subscribers.py, and"
                " pass --deleted keep"
            )
        else:
            text = f"on_delete={relation.on_delete} can't stop another context's deletion"
            fix = (
                f"pass --deleted keep (rows keep an id that leads nowhere; let {relation.owner}"
                f" hide a {target} rather than delete it), cascade, set-null or set-default"
            )
        return Problem(relation.source.file, relation.line, text, fix)

    # -- Step 1: the owner ---------------------------------------------------------------------

    def owner_lacks(self, deletion: DeletedEvent) -> Iterator[Problem]:
        """What a person has to do about the announcement that is there."""
        relation, state = self.relation, self.state
        file, _, line = state.at.rpartition(":")
        if not state.at and (imported := self.import_of_events()):
            yield imported
        if state.at and not state.event:
            name = deletion.event.partition(".")[2]
            yield Problem(
                file,
                int(line),
                f"{relation.target._meta.label} does not announce deleted rows",
                f"add deleted={name}, an event with the field {deletion.field}",
            )
        elif state.at and not state.field:
            yield Problem(
                file,
                int(line),
                f"{deletion.event} does not say which {relation.to.name} was deleted",
                f"give it a field for {relation.to.name}, and name that in fields={{…}}",
            )
        for fault in state.faults:
            fix = f"run `manage.py announce {relation.owner} --write`, then `manage.py migrate`"
            yield Problem(file, int(line), fault, fix)

    def import_of_events(self) -> Problem | None:
        """The model's module must not import the events, because these import the model."""
        source = self.sources.by_module.get(self.relation.target.__module__)
        package = self.project.apps[self.relation.target._meta.app_label].module
        for each in source.facts.imports if source else ():
            names = (each.module, f"{each.module}.{each.name}")
            if source and each.place.level == ALWAYS and f"{package}.events" in names:
                text = f"it imports {package}.events, which has to import the model"
                fix = "move the import into the function that publishes"
                return Problem(source.file, each.line, text, fix)
        return None

    def announce(self, deletion: DeletedEvent) -> None:
        relation, home = self.relation, self.app(self.relation.target._meta.app_label)
        if not self.state.at:
            blocks = owner_files.event_blocks(relation, deletion)
            self.add(home / "events.py", f"What {relation.owner} announces.", blocks)
        if deletion.lookup not in self.state.lookups:
            block = owner_files.lookup_block(relation, deletion)
            self.add(home / "lookups.py", f"What {relation.owner} lets others look up.", [block])

    # -- Step 3: the id ------------------------------------------------------------------------

    def write_id(self) -> None:
        found, relation = self.found, self.relation
        model = relation.source.path
        text, problems = model_file.rewrite(
            self.edits.get(model, self.found.text(model)), relation, found.becomes
        )
        found.blocking += problems
        for path, changed in {**self.edits, model: text}.items():
            self.found.put(path, changed)
        written = migration(
            relation, found.becomes, self.state.subscription, self.copies_of_model()
        )
        self.found.put(written.path, written.text)

    def copies_of_model(self) -> list[type[Model]]:
        """Models that a package makes of this one, such as its history, and that have the key."""
        model, holders = self.relation.model, self.rows.models.holders
        name = f"{model.__module__}.{model.__qualname__}."
        made = [each for each, holder in holders.items() if holder.startswith(name)]
        return [each for each in made if self.key_of(each) is not None]

    def key_of(self, made: type[Model]) -> Any:
        fields = {each.name: each for each in made._meta.local_fields}
        found = fields.get(self.relation.field.name)
        return found if isinstance(found, ForeignKey) else None

    def copies_lack(self) -> Iterator[Problem]:
        for each in self.copies_of_model():
            if self.key_of(each).db_constraint:
                yield Problem(
                    self.relation.source.file,
                    self.relation.line,
                    f"{each._meta.label}, which a package makes of it, has the key with a"
                    " constraint too",
                    "let the package make it without constraints first",
                )

    # -- Files ---------------------------------------------------------------------------------

    def app(self, label: str) -> Path:
        return Path(apps.get_app_config(label).path).resolve()

    def add(self, path: Path, doc: str, blocks: Iterable[FilePart]) -> None:
        """Add what is not there yet. doc: what a new file begins with."""
        text = self.found.text(path) or f'"""{doc}"""\n'
        for each in blocks:
            if each.name:
                text = skeletons.with_block(text, each.name, each.text)
            elif each.text not in text:
                text = f"{text.rstrip()}\n\n\n{each.text}"
            text = imports.add(text, each.imports, self.is_own)
        self.found.put(path, text)

    def is_own(self, module: str) -> bool:
        return self.project.is_own(self.project.app_of(module))
