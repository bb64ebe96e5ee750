"""Examines each statement on its way to the database.

It changes neither statements nor results. Its own errors are counted and caught.
"""

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from time import perf_counter_ns
from types import FrameType
from typing import Any, TypeVar

import django
from django.db import connections
from django.db.backends.signals import connection_created
from django.db.models.sql.query import Query

from carveout.carving.recorder import transactions
from carveout.carving.recorder.attribution import responsible
from carveout.carving.recorder.detector import Detector
from carveout.carving.recorder.query_origins import ANY, Named, is_known, noting, remember
from carveout.carving.recorder.sql_statements import Statements
from carveout.carving.recorder.transactions import Block
from carveout.carving.survey.project import Project

UID = "carveout.carving.recorder"
Answer = TypeVar("Answer")


class Recorder:
    running = False
    """Whether a recorder records this whole process."""

    def __init__(self, project: Project, *, sampled: bool = False) -> None:
        """sampled: record only within `here`, in its thread."""
        self.detector = Detector(project)
        self.statements = Statements(self.detector.tables)
        self.seen = 0
        """Number of statements."""
        self.failed = 0
        """Number of the recorder's own errors."""
        self.failure = ""
        self.spent_ns = 0
        self._sampled = sampled
        self._here = threading.local()
        self._clock = perf_counter_ns  # our own: tests may freeze the clock of every module

    # -- What it records ---------------------------------------------------------------------

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Records every connection of this process within the block."""
        with ExitStack() as stack:
            connection_created.connect(self._connected, dispatch_uid=UID)
            stack.callback(connection_created.disconnect, dispatch_uid=UID)
            stack.callback(self._disconnect)
            for connection in _connections():
                self._connected(connection=connection)
            stack.enter_context(self.hooked())
            stack.callback(setattr, Recorder, "running", False)
            Recorder.running = True
            yield

    @contextmanager
    def hooked(self) -> Iterator[None]:
        """Hooks into Django within the block, to see which code joins and opens transactions."""
        blocks = transactions.watching(self._opened, self._closed, self.active)
        with noting(self._named, self.active), blocks:
            yield

    @contextmanager
    def here(self) -> Iterator[None]:
        """Records this thread within the block."""
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
        for connection in _connections():
            if self.execute in connection.execute_wrappers:
                connection.execute_wrappers.remove(self.execute)

    # -- Hooks -------------------------------------------------------------------------------

    def execute(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
    ) -> Any:
        """An execute wrapper for Django's connections."""
        self._guarded(self._sent, sql, context["connection"], sys._getframe(1))
        return execute(sql, params, many, context)

    def _sent(self, sql: str, connection: Any, frame: FrameType) -> None:
        self.seen += 1
        statement = self.statements.known.get(sql)
        if statement is None:
            statement = self.statements.read(sql, connection.vendor)
        if statement.shared or statement.written:
            self.detector.examine(statement, connection, frame)

    def _named(self, query: Query, named: Named, *given: Any, **options: Any) -> None:
        """Notes which code adds tables to a query."""
        self._guarded(self._remember, named(query, *given, **options), sys._getframe(2))

    def _remember(self, tables: Iterator[tuple[Query, str]], frame: FrameType) -> None:
        known = self.detector.tables
        for query, table in tables:
            if table == ANY:
                remember(query, table, responsible(self.detector.places, frame))
                continue
            of = query.model._meta.app_label if query.model else ""
            if of and table in known and known.app(table) != of and not is_known(query, table):
                remember(query, table, responsible(self.detector.places, frame))

    def _opened(self, connection: Any, block: Any) -> None:
        opener = sys._getframe(2)
        self._guarded(transactions.opened, connection, block, lambda: self.detector.opened(opener))

    def _closed(self, block: Block) -> None:
        self._guarded(self.detector.closed, block)

    def _guarded(self, work: Callable[..., Answer], *arguments: Any) -> Answer | None:
        """Does the recorder's own work, timed; its errors must not reach the recorded code."""
        began = self._clock()
        try:
            return work(*arguments)
        except Exception as error:
            self.failed += 1
            self.failure = self.failure or f"{type(error).__name__}: {error}"
            return None
        finally:
            self.spent_ns += self._clock() - began


def _connections() -> Iterable[Any]:
    """This thread's connections. Django before 4.1 has to create those that are not open yet, which
    does not query a database.
    """
    return connections.all(**({"initialized_only": True} if django.VERSION >= (4, 1) else {}))
