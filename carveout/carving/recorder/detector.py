"""Detects couplings from a statement and the stack behind it."""

from types import FrameType
from typing import Any

import msgspec
from django.db.models import Model

from carveout.carving.recorder import cascades, transactions
from carveout.carving.recorder.attribution import responsible
from carveout.carving.recorder.code_location import CodeLocation, CodeLocations
from carveout.carving.recorder.file_roles import CODE, DATABASE, TESTS, FileRoles
from carveout.carving.recorder.observations import Observations
from carveout.carving.recorder.query_origins import origins_of
from carveout.carving.recorder.sql_statements import Statement
from carveout.carving.recorder.sql_tables import Tables
from carveout.carving.recorder.transactions import Block
from carveout.carving.survey.project import Project

STATEMENT_MAX = 400
"""Characters of a statement that are kept."""
FRAMES_TO_QUERY = 8
SENDERS = ("execute_sql", "explain_query", "_execute_query")
"""Methods of Django's compilers, which have a query, and of hand-written (raw) queries."""


class Detector:
    def __init__(self, project: Project) -> None:
        self.project = project
        self.tables = Tables()
        self.places = CodeLocations(FileRoles(project))
        self.observations = Observations()
        self.test = ""
        """The running test, by its node id."""

    def examine(self, statement: Statement, connection: Any, frame: FrameType) -> None:
        """Examines a statement that is about to run and touches several apps, or writes."""
        if statement.shared and not self._reads_own_rows(statement, frame):
            self._join(statement, frame)
        if not statement.written:
            return
        model = self.tables.model(statement.written)
        collecting = cascades.collector(frame)
        root = (cascades.root(collecting) if collecting else None) or model
        if root._meta.concrete_model is not model._meta.concrete_model:
            form = "delete" if statement.deletes else "update"
            self._cascade(form, root, model, frame)
        for further in cascades.by_database(model) if statement.deletes else ():
            self._cascade("by the database", root, further, frame)
        self._write(statement.written, connection, frame, collecting is not None)

    # -- Joins -------------------------------------------------------------------------------

    def _join(self, statement: Statement, frame: FrameType) -> None:
        known = origins_of(_query(frame))
        origin = next((each for each in known.values() if each), None)
        place = origin or responsible(self.places, frame)
        details = {"statement": statement.as_shown[:STATEMENT_MAX]}
        if origin is not None and origin.role == CODE:
            details["template"] = self.places.template(frame, unless=origin)
        unusual = [form for form in statement.forms.values() if form not in ("from", "write")]
        for table, form in statement.forms.items():
            form = form if form in unusual else next(iter(unusual), "join")
            model = self.tables.model(table)
            self._add("join", form, known.get(table) or place, model, **details)

    def _reads_own_rows(self, statement: Statement, frame: FrameType | None) -> bool:
        """Whether a third-party app reads its own rows, such as `auth` a user's permissions."""
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
        """Adds a cascade. If code of the affected app causes it, the root's class is the source."""
        place = responsible(self.places, frame)
        if place is None or place.app == model._meta.app_label:
            place = self.places.of_class(root)
        chain = [root._meta.label, *cascades.chain(root, model)]
        self._add("cascade", form, place, model, chain=chain)

    # -- Transactions ------------------------------------------------------------------------

    def opened(self, frame: FrameType) -> Block:
        """Makes an outermost block. Only a block that code opened has a place."""
        place = responsible(self.places, frame)
        is_code = place is not None and place.role == CODE
        return Block(place if is_code else None, deletes=cascades.is_collector(frame))

    def _write(self, table: str, connection: Any, frame: FrameType, cascades: bool) -> None:
        """Notes a write. Rows affected by a deletion count as its cascade, not as writes."""
        block = transactions.current(connection)
        if block is None or table in block.writes or (cascades and block.deletes):
            return
        place = responsible(self.places, frame)
        block.writes[table] = f"{place.file}:{place.line} in {place.symbol}" if place else ""

    def closed(self, block: Block) -> None:
        """Adds the block as transactions, if it wrote to tables of several apps."""
        if len(self.tables.apps(block.writes)) < 2:
            return
        models = {table: self.tables.model(table) for table in block.writes}
        writes = [f"{models[table]._meta.label} {at}" for table, at in block.writes.items()]
        for model in models.values():
            self._add("transaction", "atomic", block.place, model, writes=writes)

    def _add(
        self, kind: str, form: str, place: CodeLocation | None, model: type[Model], **details: Any
    ) -> None:
        """Adds a coupling if place and model are of different apps, one of them first-party."""
        if place is None:
            return
        app = model._meta.app_label
        if self.places.owners.of_module(model.__module__).role == TESTS:
            place = msgspec.structs.replace(place, role=TESTS)  # a model that only tests have
        if app != place.app and (self.project.is_own(app) or self.project.is_own(place.app)):
            label = model._meta.label
            self.observations.add(kind, form, place, app, label, self.test, **details)


def _query(frame: FrameType | None) -> Any:
    """The query that is being sent, if Django's ORM sends it."""
    for _ in range(FRAMES_TO_QUERY):
        if frame is None:
            return None
        sender = frame.f_locals.get("self") if frame.f_code.co_name in SENDERS else None
        if sender is not None:
            return getattr(sender, "query", sender)
        frame = frame.f_back
    return None
