"""python -m carveout survey --settings …: for a project that does not have us installed yet."""

import os
import sys
from importlib import import_module

from django.core.management import load_command_class
from django.core.management.base import BaseCommand, CommandParser, handle_default_options

COMMANDS = ("survey", "plan")
"""What works without `carveout` in INSTALLED_APPS."""


def main(arguments: list[str]) -> None:
    parser = CommandParser(prog="python -m carveout", add_help=False, allow_abbrev=False)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--settings")
    parser.add_argument("--pythonpath")
    options, _ = parser.parse_known_args(arguments)
    handle_default_options(options)
    _start()
    command: BaseCommand = load_command_class("carveout", options.command)
    command.run_from_argv(["python -m carveout", options.command, *arguments[1:]])


def _start() -> None:
    """As the project's manage.py does, also where its settings are classes.

    Source: https://django-configurations.readthedocs.io/en/stable/cookbook/
    """
    classes = os.environ.get("DJANGO_CONFIGURATION")
    import_module("configurations" if classes else "django").setup()


if __name__ == "__main__":
    main(sys.argv[1:])
