"""The CONTEXT arguments of commands."""

from django.core.management.base import CommandError, CommandParser

from carveout.conf import get_settings


def add_contexts(parser: CommandParser) -> None:
    parser.add_argument(
        "contexts", nargs="*", metavar="CONTEXT", help="default: all that are hosted here"
    )


def chosen(contexts: list[str]) -> list[str]:
    """The named contexts, or all. Raises: CommandError: one is not hosted here."""
    hosted = get_settings().hosted
    for name in contexts:
        if name not in hosted:
            raise CommandError(f"{name!r} is not hosted here. Hosted are: {', '.join(hosted)}.")
    return contexts or list(hosted)
