"""manage.py announce [CONTEXT…] [--write]"""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from carveout.conf import code_locations, get_settings
from carveout.eventlog.triggers import fit, statements
from carveout.eventlog.triggers.announcement import Announcement, announced
from carveout.events.event import type_name
from carveout.management.arguments import add_contexts, chosen
from carveout.management.base import KitCommand
from carveout.operations.announced_tables import migration_files
from carveout.operations.announced_tables.migration_files import TriggerMigration


class Command(KitCommand):
    """Writes the migrations whose triggers announce tables, as `carveout.announces` declares.

    Without --write it only shows them. A second run changes nothing.
    """

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        add_contexts(parser)
        parser.add_argument("--write", action="store_true", help="write the migrations")
        parser.add_argument(
            "--check", action="store_true", help="fail if a migration has to be written"
        )
        parser.add_argument("--sql", action="store_true", help="show the statements, too")
        parser.add_argument(
            "--again", action="store_true", help="also for tables whose migrations are as declared"
        )

    def handle(self, *args: Any, contexts: list[str], **options: Any) -> None:
        names = chosen(contexts)
        tables = list(announced(names))
        if problems := [
            f"{table.at}: {each.text} {each.fix}"
            for table in tables
            for each in fit.problems(table)
        ]:
            raise CommandError("\n".join(["No table was announced.", *problems]))
        pending = migration_files.pending(names, again=options["again"])
        by_table = {(each.app, each.table): each for each in pending}
        for table in tables:
            migration = by_table.pop((table.model._meta.app_label, table.table), None)
            self._show(table, migration, sql=options["sql"])
        for removal in by_table.values():
            self.print_line(f"{removal.table} {removal.why}.\n  → {self._file(removal)} (new)")
        self._finish(names, pending, given=contexts, **options)

    def _show(self, table: Announcement, migration: TriggerMigration | None, *, sql: bool) -> None:
        self.print_line(f"{table.model._meta.label} ({table.table}), {table.at}")
        for what, event in (
            ("created", table.created),
            ("changed", table.changed),
            ("deleted", table.deleted),
        ):
            if event:
                when = f"  if {' or '.join(table.watched)} changes" if what == "changed" else ""
                key = f"key {event.event_key}"
                self.print_line(f"  {what}  {type_name(event)}  {key}{when}")
        if migration is None:
            self.print_line("  Its migrations are as declared.")
            return
        vendors = statements.VENDORS
        counts = (f"{len(statements.triggers_of(table, each))} on {each}" for each in vendors)
        self.print_line(f"  It {migration.why}.")
        self.print_line(f"  → {self._file(migration)} (new): triggers, {', '.join(counts)}")
        for vendor in vendors if sql else ():
            self.print_line(
                "\n".join([f"-- {vendor}", *map("{};".format, migration.install[vendor])])
            )

    def _file(self, migration: TriggerMigration) -> str:
        path, root = migration.path, code_locations.root()
        return str(path.relative_to(root) if path.is_relative_to(root) else path)

    def _finish(self, names: list[str], pending: list[TriggerMigration], **options: Any) -> None:
        if not pending:
            self.print_line("Nothing to write. Next: manage.py doctor compares the databases.")
            return
        if not options["write"]:
            command = " ".join(["manage.py announce", *options["given"], "--write"])
            self.print_line(f"Nothing was written. Next: {command}")
            if options["check"]:
                raise CommandError(f"{len(pending)} migrations have to be written.")
            return
        for each in pending:
            migration_files.write(each)
            self.print_line(f"Written: {self._file(each)}")
        databases = {get_settings().database_of(name) for name in names}
        nexts = (
            f"manage.py migrate{'' if each == 'default' else f' --database {each}'}"
            for each in sorted(databases)
        )
        self.print_line(f"Next: run your tests, then {' and '.join(nexts)}")
