"""Checks the triggers of announced tables: without them, changes are stored and no events."""

from collections.abc import Iterator

from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from carveout.eventlog.triggers import installed, statements
from carveout.eventlog.triggers.announcement import Announcement, announced
from carveout.operations.announced_tables import migration_files
from carveout.operations.doctor.finding import Finding, count, error, ok, warning


def check(context: str) -> Iterator[Finding]:
    """Compares the triggers in the database with what `carveout.announces` declares."""
    tables = list(announced([context]))
    pending = {(each.app, each.table): each for each in migration_files.pending([context])}
    for table in tables:
        is_pending = pending.pop((table.model._meta.app_label, table.table), None) is not None
        yield from _table(table, is_pending=is_pending)
    for left in pending.values():
        yield warning(
            f"Table {left.table}",
            "its triggers still announce it, but no code declares that",
            f"run `manage.py announce {context} --write`, then `manage.py migrate {left.app}`",
        )


def _table(table: Announcement, *, is_pending: bool) -> Iterator[Finding]:
    what, connection = f"Table {table.table}", connections[table.database]
    faults = list(installed.faults(table, connection))
    for fault in faults:
        if fault.is_disabled:
            name = connection.ops.quote_name
            fix = f"run ALTER TABLE {name(table.table)} ENABLE TRIGGER {name(fault.trigger)}"
            found = f"its trigger {fault.trigger} is disabled: changes are stored without events"
            yield error(what, found, fix)
    if broken := [f"{each.trigger} {each.found}" for each in faults if not each.is_disabled]:
        found = f"its trigger {', '.join(broken)}: changes are stored without events"
        yield error(what, found, _fix(table, is_pending=is_pending))
    if not faults:
        triggers = count(len(statements.triggers_of(table, connection.vendor)), "trigger")
        yield ok(what, f"announced by {triggers}, as declared")


def _fix(table: Announcement, *, is_pending: bool) -> str:
    app, context = table.model._meta.app_label, table.context
    migrate = f"`manage.py migrate {app} --database {table.database}`"
    if is_pending:
        return f"run `manage.py announce {context} --write`, then {migrate}"
    executor = MigrationExecutor(connections[table.database])
    leaves = [leaf for leaf in executor.loader.graph.leaf_nodes() if leaf[0] == app]
    if executor.migration_plan(leaves):
        return f"run {migrate}"
    return f"run `manage.py announce {context} --write --again`, then {migrate}"
