"""Plans the three steps from a foreign key to a relation to an own copy."""

from collections.abc import Iterator

from carveout.carving.carve.problem import Problem
from carveout.carving.unlink import copy_field, own_copy
from carveout.carving.unlink.copy_migration import copy_migration
from carveout.carving.unlink.own_copy import STAYS, OwnCopy
from carveout.carving.unlink.planner import Planner
from carveout.carving.unlink.step import ANNOUNCE, FOLLOW, KEEP, UNLINK


class CopyPlanner(Planner):
    """The owner announces its rows; this context keeps a copy; the relation leads there."""

    @property
    def copy(self) -> OwnCopy:
        assert self.found.copy is not None  # noqa: S101 - `unlink` made it
        return self.found.copy

    def plan(self) -> None:
        found, state = self.found, self.state
        if not found.action:
            found.blocking.append(self.undecided())
            return
        found.step = ANNOUNCE
        found.blocking += self.announcement_lacks()
        found.blocking += self.lookup_lacks()
        if not found.blocking:
            self.announce_rows()
        if found.changed or found.blocking:
            return
        found.step = FOLLOW
        if state.copy is None:
            self.write_copy()
            return
        found.blocking += self.copy_lacks()
        if not found.blocking:
            found.step = UNLINK
            self.write_relation(state.copy.subscription)

    def problem(self, text: str, fix: str, at: str = "") -> Problem:
        file, _, line = at.rpartition(":")
        if not file:
            file, line = self.relation.source.file, str(self.relation.line)
        return Problem(file, int(line), text, fix)

    def announcement_lacks(self) -> Iterator[Problem]:
        """What a person has to do about an announcement that is there."""
        relation, state = self.relation, self.state
        if not state.at:
            if imported := self.import_of_events():
                yield imported
            return
        label = relation.target._meta.label
        for each in {*own_copy.changes_of(self.copy.fields)} - state.announced:
            fix = f"add {each}= with an event that has a field for {relation.to.name}"
            yield self.problem(f"{label} does not announce {each} rows", fix, state.at)
        unwatched = [each.name for each in self.copy.fields if each.name not in state.watched]
        if "changed" in state.announced and unwatched:
            text = f"{label} does not announce other values of {', '.join(unwatched)}"
            yield self.problem(text, "add them to the fields of changed=(…, […])", state.at)
        if "deleted" in state.announced and not state.field:
            text = f"the events of {label} do not say which {relation.to.name} they are about"
            fix = f"give them a field for {relation.to.name}, and name that in fields={{…}}"
            yield self.problem(text, fix, state.at)
        for fault in state.faults:
            fix = f"run `manage.py announce {relation.owner} --write`, then `manage.py migrate`"
            yield self.problem(fault, fix, state.at)

    def lookup_lacks(self) -> Iterator[Problem]:
        if self.state.copy is None and self.copy.lookup in self.state.lookups:
            offered = {each.name: each for each in self.state.offered}.get(self.copy.lookup)
            has = offered.fields if offered else frozenset[str]()
            lacking = {each.attname for each in self.copy.fields} - has
            if lacking:
                text = f"the lookup {self.copy.lookup} has no {', '.join(sorted(lacking))}"
                yield self.problem(text, "add that to its serializer")

    def announce_rows(self) -> None:
        relation, home = self.relation, self.app(self.relation.target._meta.app_label)
        if not self.state.at:
            blocks = own_copy.event_blocks(self.copy)
            self.add(home / "events.py", f"What {relation.owner} announces.", blocks)
        if self.copy.lookup not in self.state.lookups:
            block = own_copy.lookup_block(self.copy)
            self.add(home / "lookups.py", f"What {relation.owner} lets others look up.", [block])

    def write_copy(self) -> None:
        path, context = self.relation.source.path, self.relation.context
        self.add(path, f"The models of {context}.", [own_copy.model_block(self.copy)])
        if self.copy.searched:
            home = self.app(self.relation.model._meta.app_label) / "admin.py"
            self.add(home, f"The admin of {context}.", [own_copy.admin_block(self.copy)])

    def copy_lacks(self) -> Iterator[Problem]:
        copy, context = self.state.copy, self.relation.context
        if copy is None:
            return
        if self.copy.missing:
            fix = "add them to it, or drop the uses that need them; then fill it again"
            yield self.problem(f"{copy.label} has no {', '.join(self.copy.missing)}", fix)
        if not copy.has_begun:
            text = f"the subscription {copy.subscription} has not begun in this database"
            fix = f"deploy it first; here, run `manage.py consume {context} --once`"
            yield self.problem(text, fix)
        elif not copy.is_filled:
            fix = f"run `manage.py copies fill {copy.label}`"
            yield self.problem(f"{copy.label} is not filled in this database", fix)

    def write_relation(self, subscription: str) -> None:
        found, relation = self.found, self.relation
        path = relation.source.path
        action = "" if found.action == relation.on_delete else found.action
        action = "DO_NOTHING" if action == KEEP else action
        text = self.edits.get(path, found.text(path))
        for file, changed in self.edits.items():
            found.put(file, changed)
        found.put(path, copy_field.rewrite(text, relation, self.copy.label, action))
        written = copy_migration(
            relation, self.copy.label, action, subscription, self.copies_of_model()
        )
        found.put(written.path, written.text)

    def edit(self) -> None:
        """Only uses that do not go on working are edited."""
        kept, self.found.uses = (
            self.found.uses,
            [each for each in self.found.uses if each.becomes != STAYS],
        )
        super().edit()
        self.found.uses = kept
