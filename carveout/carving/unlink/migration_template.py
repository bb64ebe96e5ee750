"""The source of a migration that drops a foreign key's constraint: Django's own operations."""

from string import Template

FILE = Template('''"""$doc

Written by `manage.py unlink --write`. It imports nothing of Carveout.
"""

$imports

SUBSCRIPTION = $subscription
"""Follows deleted rows, as on_delete did; empty if nothing has to."""


class DropConstraint(migrations.AlterField):
    """Drops the constraint of a foreign key. Column, index and rows stay.

    On PostgreSQL no statement waits longer than two seconds for a lock; it is tried again. The way
    back adds the constraint for new rows first, and then compares the others while all may write.
    """

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        connection = schema_editor.connection
        model = from_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(connection.alias, model):
            return
        key = Key(schema_editor, model._meta.get_field(self.name))
        key.refuse_if_nobody_follows()
        if connection.vendor == "postgresql":
            for name in key.constraints():
                key.alter(f"DROP CONSTRAINT {key.quoted(name)}")
            return
        with transaction.atomic(connection.alias):
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        connection = schema_editor.connection
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(connection.alias, model):
            return
        key = Key(schema_editor, model._meta.get_field(self.name))
        key.refuse_orphans()
        if connection.vendor == "postgresql":
            names = key.constraints()
            if not names:
                names = [$constraint]
                key.alter(
                    f"ADD CONSTRAINT {key.quoted($constraint)} FOREIGN KEY ({key.column})"
                    f" REFERENCES {key.target} ({key.to})"
                    " DEFERRABLE INITIALLY DEFERRED NOT VALID"
                )
            for name in names:
                key.alter(f"VALIDATE CONSTRAINT {key.quoted(name)}")
            return
        with transaction.atomic(connection.alias):
            super().database_backwards(app_label, schema_editor, from_state, to_state)


class Key:
    """A column that is a foreign key."""

    def __init__(self, editor, field):
        self.editor, self.connection, self.field = editor, editor.connection, field
        target = field.remote_field.model._meta.db_table
        self.table, self.target = map(self.quoted, (field.model._meta.db_table, target))
        self.column, self.to = map(self.quoted, (field.column, field.target_field.column))

    def quoted(self, name):
        return self.connection.ops.quote_name(name)

    def rows(self, sql, *parameters):
        with self.connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall()

    def constraints(self):
        """The names of its foreign key constraints."""
        table = self.field.model._meta.db_table
        with self.connection.cursor() as cursor:
            found = self.connection.introspection.get_constraints(cursor, table)
        keys = {name: each["columns"] for name, each in found.items() if each["foreign_key"]}
        return [name for name, columns in keys.items() if columns == [self.field.column]]

    def alter(self, change):
        """Alter the table in a transaction of its own; again, while others hold its locks."""
        patience, alter = "SET LOCAL lock_timeout = '2s'", f"ALTER TABLE {self.table} {change}"
        if self.editor.collect_sql:  # `manage.py sqlmigrate` only shows it
            self.editor.collected_sql += ["BEGIN;", f"{patience};", f"{alter};", "COMMIT;"]
            return
        for attempt in range(30):
            try:
                with transaction.atomic(self.connection.alias), self.connection.cursor() as cursor:
                    cursor.execute(patience)
                    cursor.execute(alter)
                return
            except OperationalError as error:
                if attempt == 29 or getattr(error.__cause__, "sqlstate", "") != "55P03":
                    raise
                time.sleep(random.uniform(0.2, 1.0))

    def refuse_if_nobody_follows(self):
        """Where events are handled, the subscription has to be at work before."""
        tables = self.connection.introspection.table_names()
        if self.editor.collect_sql or not SUBSCRIPTION or "carveout_cursor" not in tables:
            return
        begun = "SELECT 1 FROM carveout_cursor WHERE subscription = %s LIMIT 1"
        ids = f"SELECT 1 FROM {self.table} WHERE {self.column} IS NOT NULL LIMIT 1"
        if self.rows("SELECT 1 FROM carveout_cursor LIMIT 1") and self.rows(ids):
            if not self.rows(begun, SUBSCRIPTION):
                raise CommandError(
                    f"The subscription {SUBSCRIPTION} has not begun: nothing would follow deleted"
                    " rows. Deploy the release before, let its consumers run, then migrate."
                )

    def refuse_orphans(self):
        """Without this, the way back would fail with one id, and not say which others."""
        if self.editor.collect_sql:
            return
        found = self.rows(
            f"SELECT DISTINCT {self.table}.{self.column} FROM {self.table} LEFT JOIN {self.target}"
            f" ON {self.target}.{self.to} = {self.table}.{self.column}"
            f" WHERE {self.table}.{self.column} IS NOT NULL AND {self.target}.{self.to} IS NULL"
            " LIMIT 11"
        )
        if found:
            ids = ", ".join(str(each) for each, in found[:10])
            raise CommandError(
                f"{self.column} of {self.table} has ids without a row in {self.target}:"
                f" {ids}{' and more' if found[10:] else ''}. Change or delete these rows first"
                "$sweep."
            )


class Migration(migrations.Migration):
    atomic = False  # each change of the table is a transaction of its own

    dependencies = [
        ($app, $after),
    ]

    operations = [
$operations
    ]
''')
