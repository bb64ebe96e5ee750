"""What the commands about contracts share: the folder, and printing violations."""

from collections.abc import Iterable
from pathlib import Path

from django.core.management.base import CommandError, CommandParser

from carveout.contracts.files import FOLDER, default_folder
from carveout.contracts.violation import Violation, in_order
from carveout.management.base import KitCommand


def add_folder(parser: CommandParser) -> None:
    parser.add_argument(
        "--folder",
        type=Path,
        help=f"the contracts' folder; default: {FOLDER}/ in the project's root",
    )


def folder_of(given: Path | None) -> Path:
    return given or default_folder()


def report(command: KitCommand, violations: Iterable[Violation], sound: str) -> None:
    """Prints the violations, or `sound` if there are none.

    Raises: CommandError: there are errors among them.
    """
    ordered = in_order(violations)
    for violation in ordered:
        command.stdout.write(str(violation))
    errors = sum(violation.is_error for violation in ordered)
    if errors:
        raise CommandError(f"{errors} {'thing is' if errors == 1 else 'things are'} broken.")
    command.stdout.write(sound)
