"""manage.py seams [NAME --mode MODE]"""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from carveout.management.arguments import actor_of, add_audit
from carveout.management.base import KitCommand
from carveout.models import Seam
from carveout.operations import seam_modes

HEADINGS = ("seam", "mode", "since", "by", "reason")


class Command(KitCommand):
    """Lists seams, or switches one between its call and its event."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", help="the seam, such as notifications.tell")
        parser.add_argument("--mode", help="direct (only the call) or events (only the event)")
        parser.add_argument(
            "--share", type=int, default=100, metavar="PERCENT", help="of keys; default: 100"
        )
        add_audit(parser)

    def handle(self, *args: Any, name: str | None, mode: str | None, **options: Any) -> None:
        if name is None and mode is None:
            self._list()
            return
        if not name or not mode:
            raise CommandError("Name a seam and its --mode, or neither to list all seams.")
        row = seam_modes.switch_to(
            name, mode, options["share"], actor_of(options), options["reason"]
        )
        self.stdout.write(f"{name} is {seam_modes.shown(row)}, in all processes within 5 s.")
        if mode == Seam.Mode.EVENTS:
            self.stdout.write(f"Back: manage.py seams {name} --mode direct --reason …")

    def _list(self) -> None:
        rows = [_cells(row) for row in seam_modes.seams()]
        if not rows:
            self.stdout.write("There are no seams. manage.py carve writes one.")
            return
        widths = [max(map(len, column)) for column in zip(HEADINGS, *rows, strict=True)]
        for row in (HEADINGS, *rows):
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.stdout.write("  ".join(cells).rstrip())


def _cells(row: Seam) -> tuple[str, ...]:
    if fixed := seam_modes.fixed_mode(row.name):
        return (row.name, fixed, "", "", "fixed by CARVEOUT['SEAMS']")
    since = f"{row.changed_at:%F %T}" if row.version else ""
    return (row.name, seam_modes.shown(row), since, row.changed_by, " ".join(row.reason.split()))
