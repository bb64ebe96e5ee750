"""python -m carveout survey --settings …: for a project that does not have us installed yet."""

import os
import sys
import traceback
from argparse import ArgumentParser
from importlib import import_module

from django.conf import ENVIRONMENT_VARIABLE, settings
from django.core.management import load_command_class
from django.core.management.base import BaseCommand, handle_default_options

COMMANDS = ("survey", "plan")
"""What works without `carveout` in INSTALLED_APPS."""
HELP = {"-h", "--help"}


def main(arguments: list[str]) -> None:
    parser = ArgumentParser(prog="python -m carveout", description=__doc__, add_help=False)
    parser.add_argument("command", choices=COMMANDS, help="say COMMAND --help for its own options")
    parser.add_argument("--settings", help="the project's, as in shop.settings")
    parser.add_argument("--pythonpath", help="a folder to import them from")
    parser.add_argument("--traceback", action="store_true", help="show where an error comes from")
    if not arguments or arguments[0] in HELP:
        parser.print_help()
        return
    options, _ = parser.parse_known_args(arguments)
    handle_default_options(options)
    if HELP & {*arguments}:
        settings.configure()
    elif not os.environ.get(ENVIRONMENT_VARIABLE):
        parser.error(f"which settings? Say --settings shop.settings, or set {ENVIRONMENT_VARIABLE}")
    _start(options.traceback)
    command: BaseCommand = load_command_class("carveout", options.command)
    command.run_from_argv(["python -m carveout", options.command, *arguments[1:]])


def _start(show_traceback: bool) -> None:
    """As the project's manage.py does, also where its settings are classes.

    Source: https://django-configurations.readthedocs.io/en/stable/cookbook/
    """
    classes = os.environ.get("DJANGO_CONFIGURATION")
    try:
        import_module("configurations" if classes else "django").setup()
    except Exception as error:  # whatever the project's own modules raise
        if show_traceback:
            raise
        *_, last = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if not frame.filename.startswith("<frozen")
        ]
        sys.exit(
            f"The project does not start: {type(error).__name__}: {error}\n"
            f"  at {last.filename}:{last.lineno}; --traceback shows the way there.\n"
            "Its settings have to load and its apps to start, as for `manage.py check`: see to"
            " that first."
        )


if __name__ == "__main__":
    main(sys.argv[1:])
