"""manage.py contextmap"""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from carveout import contextmap, contract
from carveout.drawing import FORMATS
from carveout.management.command import KitCommand
from carveout.management.folder import add_folder, folder_of
from carveout.management.remarks import tell


class Command(KitCommand):
    """Shows who hears what from whom and who looks up what, or checks that it fits together."""

    help = __doc__
    requires_system_checks = []  # they say less about the same, without file and line

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--format", choices=FORMATS, default="text")
        what.add_argument(
            "--check", action="store_true", help="show nothing; fail if something is broken"
        )
        add_folder(parser)

    def handle(self, *args: Any, check: bool, folder: Path | None, **options: Any) -> None:
        contracts = contract.known(folder_of(folder))
        if check:
            tell(self, contextmap.check(contracts), "The map fits together.")
        else:
            self.stdout.write(FORMATS[options["format"]](contextmap.draw(contracts)))
