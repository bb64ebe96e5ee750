"""The --folder option: where the contracts are."""

from pathlib import Path

from django.core.management.base import CommandParser

from carveout.contracts.folder import FOLDER, default_folder


def add_folder(parser: CommandParser) -> None:
    parser.add_argument(
        "--folder", type=Path, help=f"of the contracts; default: {FOLDER}/ in the project's root"
    )


def folder_of(given: Path | None) -> Path:
    return given or default_folder()
