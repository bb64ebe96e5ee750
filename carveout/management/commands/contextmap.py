"""manage.py contextmap"""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from carveout.conf import get_settings
from carveout.contracts.contract import Contract
from carveout.contracts.files import known
from carveout.management.base import KitCommand
from carveout.management.contract_commands import add_folder, folder_of, report
from carveout.operations.contextmap import advice as advices
from carveout.operations.contextmap import context_map, eventcatalog
from carveout.operations.contextmap.formats import FORMATS
from carveout.operations.contextmap.gathering import gather
from carveout.operations.contextmap.observed import Observed


class Command(KitCommand):
    """Shows events, subscriptions and lookups between contexts, or checks that they fit."""

    help = __doc__
    requires_system_checks = []  # they report less, without file and line

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--format", choices=[*FORMATS, eventcatalog.FORMAT], default="text")
        what.add_argument(
            "--check",
            action="store_true",
            help="print only what is broken, and fail if anything is",
        )
        what.add_argument(
            "--advice",
            action="store_true",
            help="say for each event whether to carry state, with what was observed",
        )
        parser.add_argument(
            "--declared",
            action="store_true",
            help="show no run-time numbers; query neither Redis nor databases",
        )
        parser.add_argument(
            "--output", type=Path, help="file to write to; a folder for eventcatalog"
        )
        add_folder(parser)

    def handle(
        self,
        *args: Any,
        check: bool,
        advice: bool,
        declared: bool,
        folder: Path | None,
        output: Path | None,
        **options: Any,
    ) -> None:
        if advice and declared:
            raise CommandError("--advice is about what was observed. Leave --declared out.")
        contracts, seen = self._gathered(folder_of(folder), declared_only=declared)
        if check:
            report(self, context_map.check(contracts, seen), "The map is consistent.")
        elif advice:
            if seen is None:
                raise CommandError(
                    "--advice is about what was observed, and that is counted in Redis. Run it with"
                    ' the settings of the running system: here CARVEOUT["DELIVERY"] is'
                    f" {get_settings().delivery!r}."
                )
            self._write("\n".join(advices.text(advices.advice(contracts, seen))), output)
        elif options["format"] == eventcatalog.FORMAT:
            if output is None:
                raise CommandError("eventcatalog writes a folder of files. Pass --output FOLDER.")
            count = eventcatalog.write(contracts, output)
            self.stdout.write(f"Wrote {count} files to {output}.")
        else:
            text = FORMATS[options["format"]](context_map.draw(contracts, seen), contracts)
            self._write(text, output)

    def _write(self, text: str, output: Path | None) -> None:
        if output is None:
            self.stdout.write(text)
        else:
            output.write_text(text + "\n", encoding="utf-8")

    def _gathered(
        self, folder: Path, *, declared_only: bool
    ) -> tuple[dict[str, Contract], Observed | None]:
        """The contracts, and what is observed; prints what could not be read."""
        if declared_only or not get_settings().uses_redis:
            return known(folder), None
        contracts, seen = gather(folder)
        for each in seen.unread:
            self.stderr.write(f"Not checked: {each}")
        return contracts, seen
