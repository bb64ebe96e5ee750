"""manage.py doctor CONTEXT…"""

import sys
from typing import Any

from django.core.management.base import CommandParser

from carveout.conf import get_settings
from carveout.errors import SettingsInvalid
from carveout.management.arguments import add_contexts, chosen
from carveout.management.base import KitCommand
from carveout.operations.doctor import check_settings, examine
from carveout.operations.doctor.finding import Finding, Level, count, worst


class Command(KitCommand):
    """Checks everything that the guarantees depend on, and looks for growing backlogs.

    Exit code 0: no findings; 1: warnings; 2: errors. With `-v 0` it prints only those two.
    """

    help = __doc__
    requires_system_checks = []  # they are part of the report

    def add_arguments(self, parser: CommandParser) -> None:
        add_contexts(parser)

    def handle(self, *args: Any, contexts: list[str], verbosity: int, **options: Any) -> None:
        found = self._show(check_settings(), verbosity)
        try:
            get_settings()
        except SettingsInvalid:
            sys.exit(Level.ERROR)
        for finding in examine(chosen(contexts)):
            found += self._show([finding], verbosity)
        if verbosity:
            errors = sum(finding.level == Level.ERROR for finding in found)
            warnings = sum(finding.level == Level.WARNING for finding in found)
            bad = f"{count(errors, 'error')}, {count(warnings, 'warning')}"
            self.print_line(f"{bad} in {count(len(found), 'finding')}.")
        if code := worst(found):
            sys.exit(code)

    def _show(self, findings: list[Finding], verbosity: int) -> list[Finding]:
        styles = {Level.WARNING: self.style.WARNING, Level.ERROR: self.style.ERROR}
        for finding in findings:
            if verbosity or finding.level:
                self.print_line(styles.get(finding.level, str)(str(finding)))
        return findings
