"""Arguments that commands share: contexts, a subscription, confirmation, and the audit."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from carveout.conf import get_settings
from carveout.operations import audit
from carveout.operations.audit import Actor
from carveout.subscriptions.subscription import Subscription, registry


def add_contexts(parser: CommandParser) -> None:
    parser.add_argument(
        "contexts", nargs="*", metavar="CONTEXT", help="default: all contexts hosted here"
    )


def chosen(contexts: list[str]) -> list[str]:
    """The named contexts, or all hosted ones. Raises: CommandError: one is not hosted here."""
    hosted = get_settings().hosted
    for name in contexts:
        if name not in hosted:
            raise CommandError(f"{name!r} is not hosted here. Hosted here: {', '.join(hosted)}.")
    return contexts or list(hosted)


def declared(name: str) -> Subscription:
    """The subscription of this name. Raises: CommandError: it is not declared here."""
    if name not in registry:
        known = ", ".join(sorted(registry)) or "none"
        raise CommandError(f"There is no subscription {name!r} here. Known subscriptions: {known}.")
    return registry[name]


def add_yes(parser: CommandParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do it without asking")


def make_sure(command: BaseCommand, what: str, *, yes: bool) -> None:
    """Prints what will happen and asks for a yes. Raises: CommandError: there was none."""
    command.stdout.write(what)
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandError("Nothing was done. No terminal to ask on: pass --yes.")
    if input("Continue? [y/N] ").strip().lower() not in ("y", "yes"):
        raise CommandError("Nothing was done.")


def add_audit(parser: CommandParser) -> None:
    parser.add_argument("--reason", default="", help="the reason, for the audit")
    parser.add_argument("--by", metavar="USERNAME", help="the account to name in the audit")


def actor_of(options: dict[str, Any]) -> Actor:
    """The account in --by, or the operating system's. Raises: CommandError: no such account."""
    if not options["by"]:
        return audit.system_user()
    found = audit.account(options["by"])
    if found is None:
        raise CommandError(f"There is no account {options['by']!r}. Nothing was done.")
    return found
