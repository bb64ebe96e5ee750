#!/usr/bin/env python
"""Django's command line for the reference project."""

import gc
import os
import sys

gc.disable()  # until everything is loaded; see CommandLine

from django.core.management import BaseCommand, ManagementUtility  # noqa: E402


class CommandLine(ManagementUtility):
    """Looks for no garbage among what the project loads: it stays until the process ends.

    A short command needs half the CPU.
    """

    def fetch_command(self, subcommand: str) -> BaseCommand:
        gc.freeze()
        gc.enable()
        return super().fetch_command(subcommand)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    CommandLine(sys.argv).execute()
