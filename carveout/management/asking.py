"""Asking before something that can't be taken back, and by whom and why it is done."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from carveout import audit
from carveout.audit import Who


def add_yes(parser: CommandParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do it without asking")


def make_sure(command: BaseCommand, what: str, *, yes: bool) -> None:
    """Say what will happen and go on only with a yes. Raises: CommandError: there was none."""
    command.stdout.write(what)
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandError("Nothing was done. No terminal to ask on: pass --yes.")
    if input("Go on? [y/N] ").strip().lower() not in ("y", "yes"):
        raise CommandError("Nothing was done.")


def add_audit(parser: CommandParser) -> None:
    parser.add_argument("--reason", default="", help="why, for the audit")
    parser.add_argument("--by", metavar="USERNAME", help="the account that the audit names")


def who(options: dict[str, Any]) -> Who:
    """The account that was named, else the operating system's. Raises: CommandError: no account."""
    if not options["by"]:
        return audit.system_user()
    found = audit.account(options["by"])
    if found is None:
        raise CommandError(f"There is no account {options['by']!r}. Nothing was done.")
    return found
