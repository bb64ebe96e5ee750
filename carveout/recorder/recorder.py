"""The recorder: looks at each statement on its way to the database, and at what stands behind it.

It changes nothing that is asked or answered, and keeps no values.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from time import perf_counter_ns
from types import FrameType
from typing import Any

import msgspec
from django.db import connections
from django.db.backends.signals import connection_created
from django.db.models import Model
from django.db.models.sql.query import Query

from carveout.recorder import atomic, cascade
from carveout.recorder.atomic import Block
from carveout.recorder.findings import Findings
from carveout.recorder.made import all_made, is_known, noting, remember
from carveout.recorder.owners import CODE, DATABASE, TESTS, Owners
from carveout.recorder.place import Place, Places
from carveout.recorder.statement import Statement, Statements
from carveout.recorder.tables import Tables
from carveout.survey.project import Project

STATEMENT_MAX = 400
"""Characters of a statement that are kept."""
FRAMES_TO_QUERY = 8


class Recorder:
    running = False
    """Does one record this whole process?"""

    def __init__(self, project: Project, *, sampled: bool = False) -> None:
        """sampled: look only at threads that say so by `here`."""
        self.project = project
        self._sampled = sampled
        self._here = threading.local()
        self.tables = Tables()
        self.statements = Statements(self.tables)
        self.places = Places(Owners(project))
        self.findings = Findings()
        self.test = ""
        """The test that runs, by its node's id."""
        self.seen = 0
        """Statements."""
        self.failed = 0
        """Times that the recorder itself failed; what was running did not notice."""
        self.failure = ""
        self.spent_ns = 0
        self._clock = perf_counter_ns  # our own: tests may freeze the clock of every module

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Within, every connection of this process is looked at."""
        with ExitStack() as stack:
            connection_created.connect(self._connected, dispatch_uid="carveout.recorder")
            stack.callback(connection_created.disconnect, dispatch_uid="carveout.recorder")
            stack.callback(self._disconnect)
            for connection in connections.all(initialized_only=True):
                self._connected(connection=connection)
            stack.enter_context(self.hooked())
            stack.callback(setattr, Recorder, "running", False)
            Recorder.running = True
            yield

    @contextmanager
    def hooked(self) -> Iterator[None]:
        """Within, Django tells who asks for joins and opens transactions."""
        told = self._opened, self._closed, self.active
        with noting(self._note, self.active), atomic.watching(*told):
            yield

    @contextmanager
    def here(self) -> Iterator[None]:
        """Within, this thread is looked at."""
        self._here.on = True
        try:
            yield
        finally:
            self._here.on = False

    def active(self) -> bool:
        return not self._sampled or getattr(self._here, "on", False)

    def _connected(self, *, connection: Any, **_: Any) -> None:
        if self.execute not in connection.execute_wrappers:
            connection.execute_wrappers.append(self.execute)

    def _disconnect(self) -> None:
        for connection in connections.all(initialized_only=True):
            if self.execute in connection.execute_wrappers:
                connection.execute_wrappers.remove(self.execute)

    # -- On the way --------------------------------------------------------------------------

    def execute(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
    ) -> Any:
        """A wrapper as Django wants it."""
        began = self._clock()
        try:
            self.seen += 1
            statement = self.statements.known.get(sql)
            connection = context["connection"]
            if statement is None:
                statement = self.statements.read(sql, connection.vendor)
            if statement.shared or statement.written:
                self._look(statement, connection, sys._getframe(1))
        except Exception as error:  # the recorder's own; what is recorded must not notice
            self._note_failure(error)
        self.spent_ns += self._clock() - began
        return execute(sql, params, many, context)

    def _note_failure(self, error: Exception) -> None:
        self.failed += 1
        self.failure = self.failure or f"{type(error).__name__}: {error}"

    def _look(self, statement: Statement, connection: Any, frame: FrameType) -> None:
        if statement.shared:
            self._join(statement, frame)
        if statement.written:
            collecting = cascade.collector(frame)
            if collecting is not None:
                self._cascade(statement, collecting)
            if statement.deletes:
                self._by_database(statement, collecting or frame, collecting is not None)
            self._write(statement, connection, frame, collecting is not None)

    def _join(self, statement: Statement, frame: FrameType) -> None:
        if self._asks_for_its_own(statement, frame):
            return
        known = all_made(_query(frame))
        asked = next((each for each in known.values() if each), None)
        place = asked or self.places.responsible(frame)
        told = {"statement": statement.told[:STATEMENT_MAX]}
        if asked is not None and asked.role == CODE:
            told["template"] = self.places.template(frame, unless=asked)
        varieties = [form for form in statement.forms.values() if form not in ("from", "write")]
        for table, form in statement.forms.items():
            variety = form if form in varieties else next(iter(varieties), "join")
            self._add("join", variety, known.get(table) or place, table, **told)

    def _asks_for_its_own(self, statement: Statement, frame: FrameType | None) -> bool:
        """Does a third-party app look for its own rows, such as `auth` for a user's permissions?"""
        base = next((table for table, form in statement.forms.items() if form == "from"), None)
        if base is None or self.project.is_own(self.tables.app(base)):
            return False
        owners = self.places.owners
        while frame is not None:
            owner = owners.of(frame.f_code.co_filename)
            if owner.role != DATABASE:
                return not owner.own and owner.app == self.tables.app(base)
            frame = frame.f_back
        return False

    def _write(
        self, statement: Statement, connection: Any, frame: FrameType, cascades: bool
    ) -> None:
        """What a deletion takes along is told as its cascade, not as what its own block wrote."""
        block = atomic.current(connection)
        if block is None or statement.written in block.writes or (cascades and block.deletes):
            return
        place = self.places.responsible(frame)
        block.writes[statement.written] = f"{place.file}:{place.line}" if place else ""

    def _cascade(self, statement: Statement, collecting: FrameType) -> None:
        start = cascade.root(collecting)
        model = self.tables.model(statement.written)
        form = "delete" if statement.deletes else "update"
        if start and model._meta.concrete_model is not start._meta.concrete_model:
            self._taken(form, start, model, collecting)

    def _by_database(self, statement: Statement, frame: FrameType, collects: bool) -> None:
        deleted = self.tables.model(statement.written)
        start = (cascade.root(frame) if collects else None) or deleted
        for model in cascade.by_database(deleted):
            self._taken("by the database", start, model, frame)

    def _taken(self, form: str, start: type[Model], model: type[Model], frame: FrameType) -> None:
        """Rows that go along. An app that loses its own by what it does is taken from the root."""
        place = self.places.responsible(frame)
        if place is None or place.app == model._meta.app_label:
            place = self.places.of_class(start)
        way = [start._meta.label, *cascade.chain(start, model)]
        self._add_model("cascade", form, place, model, chain=way)

    def _add(self, kind: str, form: str, place: Place | None, table: str, **told: Any) -> None:
        self._add_model(kind, form, place, self.tables.model(table), **told)

    def _add_model(
        self, kind: str, form: str, place: Place | None, model: type[Model], **told: Any
    ) -> None:
        if place is None:
            return
        app = model._meta.app_label
        if self.places.owners.of_module(model.__module__).role == TESTS:
            place = msgspec.structs.replace(place, role=TESTS)  # a model that only tests have
        if app != place.app and (self.project.is_own(app) or self.project.is_own(place.app)):
            label = model._meta.label
            self.findings.add(kind, form, place, app, label, self.test, **told)

    # -- Beside the way ----------------------------------------------------------------------

    def _note(self, query: Query, table: str) -> None:
        """A table comes into a query: who asks for it?"""
        began = self._clock()
        try:
            model = query.model
            known = table not in self.tables or is_known(query, table)
            if model and not known and self.tables.app(table) != model._meta.app_label:
                remember(query, table, self.places.responsible(sys._getframe(2)))
        except Exception as error:
            self._note_failure(error)
        self.spent_ns += self._clock() - began

    def _opened(self) -> Block:
        """Who opens the block, if it is the code."""
        began = self._clock()
        block = Block()
        try:
            frame = sys._getframe(2)
            place = self.places.responsible(frame)
            block.place = place if place and place.role == CODE else None
            block.deletes = cascade.is_collector(frame)
        except Exception as error:
            self._note_failure(error)
        self.spent_ns += self._clock() - began
        return block

    def _closed(self, block: Block) -> None:
        """Tell a block that wrote to tables of several apps."""
        if block.place is None or len(self.tables.apps(block.writes)) < 2:
            return
        writes = [
            f"{self.tables.model(table)._meta.label} {at}" for table, at in block.writes.items()
        ]
        for table in block.writes:
            self._add("transaction", "atomic", block.place, table, writes=writes)


def _query(frame: FrameType | None) -> Any:
    """The query that is being sent, if it is one of Django's."""
    for _ in range(FRAMES_TO_QUERY):
        if frame is None:
            return None
        if frame.f_code.co_name in ("execute_sql", "explain_query"):
            return getattr(frame.f_locals.get("self"), "query", None)
        frame = frame.f_back
    return None
