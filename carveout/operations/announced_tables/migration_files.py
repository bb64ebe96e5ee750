"""The migrations that install triggers: which are there, and which have to be written."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db.migrations import Migration, operations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.writer import MigrationWriter

from carveout.conf import get_settings
from carveout.errors import CarveoutError
from carveout.eventlog.triggers import statements
from carveout.eventlog.triggers.announcement import Announcement, registry
from carveout.operations.announced_tables import template

Statements = Mapping[str, Sequence[str]]
"""Statements by kind of database."""

_REBUILDS = (
    *(operations.AddField, operations.AlterField, operations.RemoveField, operations.RenameField),
    *(operations.AddConstraint, operations.RemoveConstraint, operations.AlterUniqueTogether),
    *(operations.AlterModelTable, operations.RenameModel, operations.AlterOrderWithRespectTo),
)
"""What may let SQLite recreate a table without its triggers, or rename what they name."""


class MigrationsUnfit(CarveoutError):
    """The migrations of an app do not allow a migration of triggers. The message has the fix."""


@dataclass
class _Installed:
    """What the migrations of an app install on one table."""

    install: Statements
    remove: Statements
    migration: str
    rebuilt_by: str = ""
    """A later migration that may have dropped it."""


@dataclass(frozen=True)
class TriggerMigration:
    """A migration that has to be written."""

    app: str
    name: str
    after: str
    """The app's last migration."""
    table: str
    why: str
    announcement: Announcement | None
    """None: the table is not announced any more."""
    install: Statements = field(default_factory=dict)
    remove: Statements = field(default_factory=dict)
    before: Statements = field(default_factory=dict)
    """What a way back installs again."""
    on_carveout: str = ""
    """The migration of Carveout that it needs."""

    @property
    def path(self) -> Path:
        """The file to write."""
        return Path(MigrationWriter(Migration(self.name, self.app)).path)

    @property
    def text(self) -> str:
        """The source of the migration."""
        return template.render(self)


def pending(contexts: Iterable[str], *, again: bool = False) -> list[TriggerMigration]:
    """The migrations to write, so that these contexts' tables are announced as declared.

    again: also for tables whose migrations are as declared; a database may have lost its triggers.

    Raises: MigrationsUnfit: an app has no migrations, or several last ones.
    """
    wanted, loader = {*contexts}, MigrationLoader(None)
    tables = {
        (each.model._meta.app_label, each.table): each
        for each in registry.values()
        if each.context in wanted
    }
    found = list[TriggerMigration]()
    for app in sorted({label for label, _ in tables} | _apps_of(wanted, loader)):
        written = _written(loader, app) if app in loader.migrated_apps else {}
        ours = {table: each for (label, table), each in tables.items() if label == app}
        for table in sorted(written.keys() | ours.keys()):
            why = _why(ours.get(table), written.get(table), again=again)
            if why:
                found.append(_next(loader, app, table, why, ours.get(table), written, found))
    return found


def _apps_of(contexts: set[str], loader: MigrationLoader) -> set[str]:
    """The apps with migrations whose models belong to these contexts."""
    owners = {each.label: get_settings().context_of(each.name) for each in apps.get_app_configs()}
    return {
        label
        for label, owner in owners.items()
        if owner and owner.name in contexts and label in loader.migrated_apps
    }


def _why(now: Announcement | None, then: _Installed | None, *, again: bool) -> str:
    """Why a migration is needed; empty if none is."""
    if now is None:
        return "is not announced any more" if then and any(then.install.values()) else ""
    if then is None or not any(then.install.values()):
        return "is not announced yet"
    for vendor in statements.VENDORS:
        if list(then.install.get(vendor, ())) != statements.create(now, vendor):
            return f"differs from what {then.migration} installs"
    if then.rebuilt_by:
        return f"may have lost its triggers in {then.rebuilt_by}"
    return "is written again" if again else ""


def _next(
    loader: MigrationLoader,
    app: str,
    table: str,
    why: str,
    announcement: Announcement | None,
    written: Mapping[str, _Installed],
    found: Sequence[TriggerMigration],
) -> TriggerMigration:
    earlier = [each.name for each in found if each.app == app]
    after = earlier[-1] if earlier else _last(loader, app)
    number = int(after[:4]) + 1 if after[:4].isdigit() else 1
    verb = "announce" if announcement else "stop_announcing"
    then = written.get(table)
    install, remove = {}, dict(then.remove) if then else {}
    if announcement:
        for vendor in statements.VENDORS:
            install[vendor] = statements.create(announcement, vendor)
            new = statements.drop(announcement, vendor)
            remove[vendor] = list(dict.fromkeys([*new, *remove.get(vendor, ())]))
    return TriggerMigration(
        app=app,
        name=f"{number:04d}_{verb}_{table.strip(chr(34))[:40]}",
        after=after,
        table=table,
        why=why,
        announcement=announcement,
        install=install,
        remove=remove,
        before=then.install if then else {},
        on_carveout=_last(loader, "carveout"),
    )


def _last(loader: MigrationLoader, app: str) -> str:
    leaves = [name for label, name in loader.graph.leaf_nodes() if label == app]
    if len(leaves) == 1:
        return str(leaves[0])
    if leaves:
        raise MigrationsUnfit(
            f"The migrations of {app} have several ends: {', '.join(leaves)}."
            f" Run `manage.py makemigrations --merge {app}`."
        )
    raise MigrationsUnfit(
        f"The app {app} has no migrations, so none can install its triggers."
        f" Run `manage.py makemigrations {app}`."
    )


def _written(loader: MigrationLoader, app: str) -> dict[str, _Installed]:
    """What the app's migrations install, by table."""
    found: dict[str, _Installed] = {}
    models: dict[str, str] = {}
    for name, operation in _operations(loader, app):
        if table := getattr(operation, "announced_table", ""):
            here = found.setdefault(table, _Installed({}, {}, name))
            if here.migration != name or here.rebuilt_by:
                here = found[table] = _Installed({}, {}, name)
            vendor = operation.vendor
            here.install = {**here.install, vendor: operation.install}
            here.remove = {**here.remove, vendor: operation.remove}
            models[operation.announced_model] = table
        elif isinstance(operation, _REBUILDS) and (table := models.get(_model_of(operation), "")):
            found[table].rebuilt_by = name if any(found[table].install.values()) else ""
    return found


def _model_of(operation: Any) -> str:
    """The model that an operation changes, in lower case."""
    names = (getattr(operation, each, None) for each in ("model_name", "old_name_lower", "name"))
    return next((str(name).lower() for name in names if name), "")


def _operations(loader: MigrationLoader, app: str) -> Iterator[tuple[str, Any]]:
    """The operations of an app's migrations, in order."""
    done = set()
    for leaf in [each for each in loader.graph.leaf_nodes() if each[0] == app]:
        for key in loader.graph.forwards_plan(leaf):
            if key[0] == app and key not in done:
                done.add(key)
                for operation in loader.graph.nodes[key].operations:
                    yield key[1], operation


def write(migration: TriggerMigration) -> Path:
    """Write the file. Returns: its path."""
    path = migration.path
    path.write_text(migration.text, encoding="utf-8")
    return path
