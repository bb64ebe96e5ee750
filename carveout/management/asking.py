"""Asking before something that can't be taken back."""

import sys

from django.core.management.base import BaseCommand, CommandError, CommandParser


def add_yes(parser: CommandParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do it without asking")


def make_sure(command: BaseCommand, what: str, *, yes: bool) -> None:
    """Say what will happen and go on only with a yes. Raises: CommandError: there was none."""
    command.stdout.write(what)
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandError("Nothing was done: say --yes, there is no terminal to ask on.")
    if input("Go on? [y/N] ").strip().lower() not in ("y", "yes"):
        raise CommandError("Nothing was done.")
