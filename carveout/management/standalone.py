"""Runs `python -m carveout`, for a project without `carveout` in its INSTALLED_APPS."""

import os
import sys
from argparse import SUPPRESS, ArgumentParser
from importlib import import_module
from pathlib import Path

from django.conf import ENVIRONMENT_VARIABLE, settings
from django.core.management import load_command_class
from django.core.management.base import BaseCommand, handle_default_options

from carveout.management.start_failure import described

COMMANDS = ("survey", "plan")
"""Commands that work without `carveout` in INSTALLED_APPS."""
HELP_TEXT = "Survey and plan a project without 'carveout' in its INSTALLED_APPS."
HELP = {"-h", "--help"}


def main(arguments: list[str]) -> None:
    parser = ArgumentParser(prog="python -m carveout", description=HELP_TEXT, add_help=False)
    parser.add_argument("command", choices=COMMANDS, help="run COMMAND --help for its options")
    parser.add_argument("--settings", help="the project's settings module, such as shop.settings")
    parser.add_argument("--pythonpath", help="a folder to import the settings from")
    parser.add_argument("--root", type=Path, help=SUPPRESS)
    parser.add_argument("--traceback", action="store_true", help="show the whole stack of an error")
    if not arguments or arguments[0] in HELP:
        parser.print_help()
        return
    options, _ = parser.parse_known_args(arguments)
    handle_default_options(options)
    if HELP & {*arguments}:
        settings.configure()
    elif not os.environ.get(ENVIRONMENT_VARIABLE):
        parser.error(f"no settings: pass --settings shop.settings, or set {ENVIRONMENT_VARIABLE}")
    _start(options.traceback, options.root)
    command: BaseCommand = load_command_class("carveout", options.command)
    command.run_from_argv(["python -m carveout", options.command, *arguments[1:]])


def _start(show_traceback: bool, root: Path | None) -> None:
    """Starts Django as the project's manage.py does, also if its settings are classes.

    Source: https://django-configurations.readthedocs.io/en/stable/cookbook/
    """
    classes = os.environ.get("DJANGO_CONFIGURATION")
    try:
        import_module("configurations" if classes else "django").setup()
    except Exception as error:  # the project's own modules may raise anything
        if show_traceback:
            raise
        sys.exit(described(error, root))
