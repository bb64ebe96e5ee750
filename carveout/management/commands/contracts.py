"""manage.py contracts --write|--check"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from carveout.conf import get_settings
from carveout.contracts.breach import breaches
from carveout.contracts.contract import Contract
from carveout.contracts.declared import declared
from carveout.contracts.folder import FOLDER, encode, known, path_of, stored
from carveout.management.command import KitCommand
from carveout.management.folder import add_folder, folder_of
from carveout.management.remarks import tell
from carveout.origin import is_installed
from carveout.remark import Remark


class Command(KitCommand):
    """Writes the contracts of the contexts hosted here, or compares them with the code."""

    help = __doc__
    requires_system_checks = []  # they say less about the same, without file and line

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--write", action="store_true", help="store what the code says now")
        what.add_argument(
            "--check", action="store_true", help="fail if the code breaks what somebody needs"
        )
        add_folder(parser)

    def handle(self, *args: Any, write: bool, folder: Path | None, **options: Any) -> None:
        if write:
            self._write(folder_of(folder))
        else:
            tell(self, _check(folder_of(folder)), "No contract is broken.")

    def _write(self, folder: Path) -> None:
        if is_installed(folder):
            raise CommandError(
                f"{folder} lies among installed packages, and the next installation would lose it."
                f" Nothing was written. Name a folder of your own: --folder {FOLDER}."
            )
        folder.mkdir(parents=True, exist_ok=True)
        for context in get_settings().hosted:
            path = path_of(context, folder)
            text = encode(declared(context))
            if path.exists() and path.read_text(encoding="utf-8") == text:
                self.stdout.write(f"{path} is as it was.")
            else:
                path.write_text(text, encoding="utf-8")
                self.stdout.write(f"{path} is written.")


def _check(folder: Path) -> Iterator[Remark]:
    before: dict[str, Contract] = {}
    now = known(folder)
    for context in get_settings().hosted:
        path = f"{folder.name}/{context}.json"
        written = stored(context, folder)
        if written is None:
            yield Remark(path, "there is no such file. Run `manage.py contracts --write`.")
            continue
        before[context] = written
        if written != now[context]:
            yield Remark(
                path, "is not as the code is now. Run `manage.py contracts --write`.", broken=False
            )
    yield from breaches(now, before)
