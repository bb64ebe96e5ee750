"""manage.py contextmap"""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from carveout.contextmap import catalog, mapped
from carveout.contextmap.drawing import FORMATS
from carveout.management.command import KitCommand
from carveout.management.folder import add_folder, folder_of
from carveout.management.remarks import tell
from carveout.management.sight import declared_and_seen


class Command(KitCommand):
    """Shows who hears what from whom and who looks up what, or checks that it fits together."""

    help = __doc__
    requires_system_checks = []  # they say less about the same, without file and line

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--format", choices=[*FORMATS, catalog.FORMAT], default="text")
        what.add_argument(
            "--check", action="store_true", help="show nothing; fail if something is broken"
        )
        parser.add_argument(
            "--declared",
            action="store_true",
            help="ask neither Redis nor databases what is seen at run time",
        )
        parser.add_argument(
            "--output", type=Path, help="file to write to; a folder for eventcatalog"
        )
        add_folder(parser)

    def handle(
        self,
        *args: Any,
        check: bool,
        declared: bool,
        folder: Path | None,
        output: Path | None,
        **options: Any,
    ) -> None:
        contracts, seen = declared_and_seen(self, folder_of(folder), declared_only=declared)
        if check:
            tell(self, mapped.check(contracts, seen), "The map fits together.")
        elif options["format"] == catalog.FORMAT:
            if output is None:
                raise CommandError("eventcatalog is a folder of files: say --output FOLDER.")
            count = catalog.write(contracts, output)
            self.stdout.write(f"{count} files are written to {output}.")
        else:
            text = FORMATS[options["format"]](mapped.draw(contracts, seen), contracts)
            if output is None:
                self.stdout.write(text)
            else:
                output.write_text(text + "\n", encoding="utf-8")
