"""manage.py unlink APP.MODEL.FIELD, and manage.py unlink --sweep APP.MODEL.COLUMN"""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from carveout.carving.survey import grouping
from carveout.carving.survey.project import Project
from carveout.carving.survey.project_root import default_root
from carveout.conf.requirements import insist_on_carving
from carveout.conf.validation import suggest
from carveout.management.base import KitCommand
from carveout.operations import id_sweep
from carveout.subscriptions import following


class Command(KitCommand):
    """Turns a foreign key to another context into a plain id, or into a relation to an own copy,
    in three steps that lose no row. Later it finds ids whose row is gone."""

    help = __doc__
    requires_system_checks = []  # a tangled project may fail some checks

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "relation", nargs="?", default="", help="such as notifications.Notification.order"
        )
        parser.add_argument(
            "--deleted",
            choices=["cascade", "set-null", "set-default", "keep"],
            default="",
            help="what becomes of a row whose other row is deleted; default: as on_delete says",
        )
        parser.add_argument(
            "--to",
            choices=["id", "copy"],
            default="id",
            help="an id (the default), or a relation to an own copy of this context",
        )
        parser.add_argument("--write", action="store_true", help="write the next step's files")
        parser.add_argument(
            "--sweep",
            metavar="COLUMN",
            help="find ids in this column whose row is gone, and do what follows a deletion",
        )
        parser.add_argument(
            "--wait",
            type=float,
            default=id_sweep.WAIT_S,
            metavar="SECONDS",
            help="after these, a missing row is looked up again; default: %(default)s",
        )
        parser.add_argument("--root", type=Path, help="the folder of first-party code")

    def handle(self, *args: Any, relation: str, **options: Any) -> None:
        if options["sweep"]:
            self._sweep(options["sweep"], options["wait"])
            return
        insist_on_carving("`unlink`")
        from carveout.carving.unlink import text, unlinking  # needs libcst
        from carveout.management.unlink_state import in_place

        if not relation:
            raise CommandError("Name the relation, such as notifications.Notification.order.")
        for each in filter(lambda each: each.replaces(relation), following.registry.values()):
            self.print_line(f"{relation} is an id already: {each.name}. Nothing to write.")
            return
        project = Project(options["root"] or default_root(), grouping.declared())
        found = unlinking.unlink(
            project, relation, in_place, options["deleted"], to_copy=options["to"] == "copy"
        )
        if options["write"]:
            found.write()
        self.stdout.write(text.as_text(found, project.root, written=options["write"]), ending="")
        if found.blocking:
            raise CommandError("The next step can't be written until the lines above are fixed.")

    def _sweep(self, column: str, wait_s: float) -> None:
        known = following.registry
        if column not in known:
            raise CommandError(
                f"No carveout.follows(…) here is for {column!r}. {suggest(column, known)}"
            )
        ids = gone = rows = 0
        for part in id_sweep.sweep(known[column], wait_s=wait_s):
            ids, gone, rows = ids + part.ids, gone + len(part.gone), rows + part.rows
            if part.gone:
                shown = ", ".join(map(str, part.gone[:10]))
                self.print_line(f"Gone: {shown}{' and more' if part.gone[10:] else ''}")
        self.print_line(
            f"{ids:,} ids compared, {gone:,} without a row, {rows:,} rows deleted or changed."
        )
