"""The source of a migration that installs triggers: plain SQL, which needs no Carveout."""

from collections.abc import Mapping, Sequence
from typing import Any

_FILE = '''"""{doc}

Written by `manage.py announce --write`. It is plain SQL and imports nothing of Carveout.
On PostgreSQL it waits at most two seconds for writers of the table, and fails then: run it again.
"""

from django.apps import apps
from django.db import migrations

INSTALL = {install}

REMOVE = {remove}

BEFORE = {before}
"""What the way back installs again."""


class Triggers(migrations.RunSQL):
    """Installs the triggers of the table on one kind of database."""

    announced_table = {table!r}
    announced_model = {model!r}

    def __init__(self, vendor):
        self.vendor, self.install, self.remove = vendor, INSTALL[vendor], REMOVE[vendor]
        patience = ["SET LOCAL lock_timeout = '2s'"] if vendor == "postgresql" else []
        super().__init__(
            [*patience, *self.remove, *self.install],
            [*patience, *self.remove, *BEFORE[vendor]],
        )

    def deconstruct(self):
        return self.__class__.__qualname__, [self.vendor], {{}}

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == self.vendor:
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == self.vendor:
            super().database_backwards(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):

    dependencies = [
        ({app!r}, {after!r}),
    ]
    if apps.is_installed("carveout"):  # the triggers insert into its table
        dependencies.append(("carveout", {on_carveout!r}))

    operations = [Triggers(vendor) for vendor in INSTALL]
'''


def render(migration: Any) -> str:
    """The source of a `TriggerMigration`."""
    announcement, verb = migration.announcement, "announces"
    if announcement is None:
        verb = "does not announce any more"
    where = f", as {announcement.at.rpartition(':')[0]} declares" if announcement else ""
    model = announcement.model._meta.model_name if announcement else ""
    return _FILE.format(
        doc=f"The database {verb} {migration.table}{where}.",
        install=_by_vendor(migration.install, migration.remove),
        remove=_by_vendor(migration.remove, migration.remove),
        before=_by_vendor(migration.before, migration.remove),
        table=migration.table,
        model=model,
        app=migration.app,
        after=migration.after,
        on_carveout=migration.on_carveout,
    )


def _by_vendor(statements: Mapping[str, Sequence[str]], vendors: Mapping[str, object]) -> str:
    lines = ["{"]
    for vendor in sorted(vendors):
        each = statements.get(vendor, ())
        if not each:
            lines.append(f'    "{vendor}": [],')
            continue
        lines += [f'    "{vendor}": [', *map(_literal, each), "    ],"]
    return "\n".join([*lines, "}"])


def _literal(statement: str) -> str:
    """A statement as a Python literal that people can read."""
    if '"""' in statement or statement.endswith(('"', "\\")):
        return f"        {statement!r},"
    return f'        r"""{statement}""",'
