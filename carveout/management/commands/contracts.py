"""manage.py contracts --write|--check"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from carveout.conf import get_settings
from carveout.conf.code_locations import is_installed
from carveout.contracts.compatibility import incompatibilities
from carveout.contracts.contract import Contract
from carveout.contracts.declared import declared
from carveout.contracts.files import FOLDER, encode, known, path_of, stored
from carveout.contracts.violation import Violation
from carveout.management.base import KitCommand
from carveout.management.contract_commands import add_folder, folder_of, report


class Command(KitCommand):
    """Writes the contracts of the contexts hosted here, or compares them with the code."""

    help = __doc__
    requires_system_checks = []  # they report less, without file and line

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument(
            "--write", action="store_true", help="write the contracts that the code declares now"
        )
        what.add_argument(
            "--check", action="store_true", help="fail if the code breaks what a context needs"
        )
        add_folder(parser)

    def handle(self, *args: Any, write: bool, folder: Path | None, **options: Any) -> None:
        if write:
            self._write(folder_of(folder))
        else:
            report(self, _check(folder_of(folder)), "No contract is broken.")

    def _write(self, folder: Path) -> None:
        if is_installed(folder):
            raise CommandError(
                f"{folder} is among installed packages, and the next installation would delete"
                f" it. Nothing was written. Name a folder of your own: --folder {FOLDER}."
            )
        folder.mkdir(parents=True, exist_ok=True)
        for context in get_settings().hosted:
            path = path_of(context, folder)
            text = encode(declared(context))
            if path.exists() and path.read_text(encoding="utf-8") == text:
                self.stdout.write(f"{path} is unchanged.")
            else:
                path.write_text(text, encoding="utf-8")
                self.stdout.write(f"Wrote {path}.")


def _check(folder: Path) -> Iterator[Violation]:
    before: dict[str, Contract] = {}
    now = known(folder)
    for context in get_settings().hosted:
        path = f"{folder.name}/{context}.json"
        written = stored(context, folder)
        if written is None:
            yield Violation(path, "the file does not exist. Run `manage.py contracts --write`.")
            continue
        before[context] = written
        if written != now[context]:
            yield Violation(
                path, "differs from the code. Run `manage.py contracts --write`.", is_error=False
            )
    yield from incompatibilities(now, before)
