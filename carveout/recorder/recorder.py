"""The recorder: stands beside each statement on its way to the database.

It changes nothing that is asked or answered, and what goes wrong here is counted and swallowed.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from time import perf_counter_ns
from types import FrameType
from typing import Any, TypeVar

from django.db import connections
from django.db.backends.signals import connection_created
from django.db.models.sql.query import Query

from carveout.recorder import atomic
from carveout.recorder.atomic import Block
from carveout.recorder.made import ANY, Named, is_known, noting, remember
from carveout.recorder.statement import Statements
from carveout.recorder.walk import responsible
from carveout.recorder.witness import Witness
from carveout.survey.project import Project

UID = "carveout.recorder"
Answer = TypeVar("Answer")


class Recorder:
    running = False
    """Does one record this whole process?"""

    def __init__(self, project: Project, *, sampled: bool = False) -> None:
        """sampled: look only at threads that say so by `here`."""
        self.witness = Witness(project)
        self.statements = Statements(self.witness.tables)
        self.seen = 0
        """Statements."""
        self.failed = 0
        """Times that the recorder itself failed."""
        self.failure = ""
        self.spent_ns = 0
        self._sampled = sampled
        self._here = threading.local()
        self._clock = perf_counter_ns  # our own: tests may freeze the clock of every module

    # -- Where it looks ----------------------------------------------------------------------

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Within, every connection of this process is looked at."""
        with ExitStack() as stack:
            connection_created.connect(self._connected, dispatch_uid=UID)
            stack.callback(connection_created.disconnect, dispatch_uid=UID)
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
        blocks = atomic.watching(self._opened, self._closed, self.active)
        with noting(self._named, self.active), blocks:
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

    # -- What it is told ---------------------------------------------------------------------

    def execute(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
    ) -> Any:
        """A wrapper as Django wants it."""
        self._apart(self._sent, sql, context["connection"], sys._getframe(1))
        return execute(sql, params, many, context)

    def _sent(self, sql: str, connection: Any, frame: FrameType) -> None:
        self.seen += 1
        statement = self.statements.known.get(sql)
        if statement is None:
            statement = self.statements.read(sql, connection.vendor)
        if statement.shared or statement.written:
            self.witness.saw(statement, connection, frame)

    def _named(self, query: Query, named: Named, *given: Any, **options: Any) -> None:
        """Tables come into a query: who asks for them?"""
        self._apart(self._remember, named(query, *given, **options), sys._getframe(2))

    def _remember(self, tables: Iterator[tuple[Query, str]], frame: FrameType) -> None:
        known = self.witness.tables
        for query, table in tables:
            if table == ANY:
                remember(query, table, responsible(self.witness.places, frame))
                continue
            of = query.model._meta.app_label if query.model else ""
            if of and table in known and known.app(table) != of and not is_known(query, table):
                remember(query, table, responsible(self.witness.places, frame))

    def _opened(self, connection: Any, block: Any) -> None:
        opener = sys._getframe(2)
        self._apart(atomic.opened, connection, block, lambda: self.witness.opened(opener))

    def _closed(self, block: Block) -> None:
        self._apart(self.witness.closed, block)

    def _apart(self, work: Callable[..., Answer], *arguments: Any) -> Answer | None:
        """Do the recorder's own work: what is recorded must not notice how that ends."""
        began = self._clock()
        try:
            return work(*arguments)
        except Exception as error:
            self.failed += 1
            self.failure = self.failure or f"{type(error).__name__}: {error}"
            return None
        finally:
            self.spent_ns += self._clock() - began
