"""The witness: what a statement and the stack behind it say of couplings."""

from types import FrameType
from typing import Any

import msgspec
from django.db.models import Model

from carveout.recorder import atomic, cascade
from carveout.recorder.atomic import Block
from carveout.recorder.findings import Findings
from carveout.recorder.made import all_made
from carveout.recorder.owners import CODE, DATABASE, TESTS, Owners
from carveout.recorder.place import Place, Places
from carveout.recorder.statement import Statement
from carveout.recorder.tables import Tables
from carveout.recorder.walk import responsible
from carveout.survey.project import Project

STATEMENT_MAX = 400
"""Characters of a statement that are kept."""
FRAMES_TO_QUERY = 8
SENDERS = ("execute_sql", "explain_query", "_execute_query")
"""Methods of Django's compilers, which have a query, and of a query that was written by hand."""


class Witness:
    def __init__(self, project: Project) -> None:
        self.project = project
        self.tables = Tables()
        self.places = Places(Owners(project))
        self.findings = Findings()
        self.test = ""
        """The test that runs, by its node's id."""

    def saw(self, statement: Statement, connection: Any, frame: FrameType) -> None:
        """A statement is on its way that touches several apps, or writes."""
        if statement.shared and not self._asks_for_its_own(statement, frame):
            self._join(statement, frame)
        if not statement.written:
            return
        model = self.tables.model(statement.written)
        collecting = cascade.collector(frame)
        root = (cascade.root(collecting) if collecting else None) or model
        if root._meta.concrete_model is not model._meta.concrete_model:
            form = "delete" if statement.deletes else "update"
            self._cascade(form, root, model, frame)
        for further in cascade.by_database(model) if statement.deletes else ():
            self._cascade("by the database", root, further, frame)
        self._write(statement.written, connection, frame, collecting is not None)

    # -- Joins -------------------------------------------------------------------------------

    def _join(self, statement: Statement, frame: FrameType) -> None:
        known = all_made(_query(frame))
        asked = next((each for each in known.values() if each), None)
        place = asked or responsible(self.places, frame)
        told = {"statement": statement.told[:STATEMENT_MAX]}
        if asked is not None and asked.role == CODE:
            told["template"] = self.places.template(frame, unless=asked)
        varieties = [form for form in statement.forms.values() if form not in ("from", "write")]
        for table, form in statement.forms.items():
            variety = form if form in varieties else next(iter(varieties), "join")
            model = self.tables.model(table)
            self._add("join", variety, known.get(table) or place, model, **told)

    def _asks_for_its_own(self, statement: Statement, frame: FrameType | None) -> bool:
        """Does a third-party app look for its own rows, such as `auth` for a user's permissions?"""
        base = next((table for table, form in statement.forms.items() if form == "from"), None)
        if base is None or self.project.is_own(self.tables.app(base)):
            return False
        while frame is not None:
            owner = self.places.owners.of(frame.f_code.co_filename)
            if owner.role != DATABASE:
                return not owner.own and owner.app == self.tables.app(base)
            frame = frame.f_back
        return False

    # -- Cascades ----------------------------------------------------------------------------

    def _cascade(self, form: str, root: type[Model], model: type[Model], frame: FrameType) -> None:
        """An app that loses rows of its own by what it does loses them to the root's app."""
        place = responsible(self.places, frame)
        if place is None or place.app == model._meta.app_label:
            place = self.places.of_class(root)
        chain = [root._meta.label, *cascade.chain(root, model)]
        self._add("cascade", form, place, model, chain=chain)

    # -- Transactions ------------------------------------------------------------------------

    def opened(self, frame: FrameType) -> Block:
        """A block that is in no other. It has a place if it is the code's."""
        place = responsible(self.places, frame)
        is_code = place is not None and place.role == CODE
        return Block(place if is_code else None, deletes=cascade.is_collector(frame))

    def _write(self, table: str, connection: Any, frame: FrameType, cascades: bool) -> None:
        """What a deletion takes along is told as its cascade, not as what its own block wrote."""
        block = atomic.current(connection)
        if block is None or table in block.writes or (cascades and block.deletes):
            return
        place = responsible(self.places, frame)
        block.writes[table] = f"{place.file}:{place.line} in {place.symbol}" if place else ""

    def closed(self, block: Block) -> None:
        """Tell a block that wrote to tables of several apps."""
        if len(self.tables.apps(block.writes)) < 2:
            return
        models = {table: self.tables.model(table) for table in block.writes}
        writes = [f"{models[table]._meta.label} {at}" for table, at in block.writes.items()]
        for model in models.values():
            self._add("transaction", "atomic", block.place, model, writes=writes)

    def _add(
        self, kind: str, form: str, place: Place | None, model: type[Model], **told: Any
    ) -> None:
        """Told if the place is of another app than the model, and one of the two is first-party."""
        if place is None:
            return
        app = model._meta.app_label
        if self.places.owners.of_module(model.__module__).role == TESTS:
            place = msgspec.structs.replace(place, role=TESTS)  # a model that only tests have
        if app != place.app and (self.project.is_own(app) or self.project.is_own(place.app)):
            label = model._meta.label
            self.findings.add(kind, form, place, app, label, self.test, **told)


def _query(frame: FrameType | None) -> Any:
    """The query that is being sent, if it is one of Django's."""
    for _ in range(FRAMES_TO_QUERY):
        if frame is None:
            return None
        sender = frame.f_locals.get("self") if frame.f_code.co_name in SENDERS else None
        if sender is not None:
            return getattr(sender, "query", sender)
        frame = frame.f_back
    return None
