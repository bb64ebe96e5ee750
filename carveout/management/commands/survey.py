"""manage.py survey"""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from carveout.errors import SettingsInvalid
from carveout.management.command import KitCommand
from carveout.survey import grouping
from carveout.survey.page import as_html
from carveout.survey.project import Project, default_root, nothing_own
from carveout.survey.survey import survey
from carveout.survey.table import as_json, as_text, heading

FORMATS = {"text": as_text, "json": as_json, "html": as_html}


class Command(KitCommand):
    """Finds every coupling between the apps of this project, by kind, with file and line."""

    help = __doc__
    requires_system_checks = []  # it changes nothing, and a tangled project may well fail some

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--root", type=Path, help="first-party code lies here")
        parser.add_argument(
            "--contexts",
            help="try a grouping: context=app,app;context=app, or a file of such lines",
        )
        parser.add_argument("--format", choices=FORMATS, default="text")
        parser.add_argument("--output", type=Path, help="a file to write to")

    def handle(self, *args: Any, root: Path | None, contexts: str | None, **options: Any) -> None:
        grouped = grouping.parse(contexts) if contexts else grouping.declared()
        project = Project(root or default_root(), grouped)
        if not project.own:
            raise SettingsInvalid(nothing_own(project))
        found = survey(project)
        text = FORMATS[options["format"]](found)
        if options["output"]:
            options["output"].write_text(text)
            self.tell(heading(found))
        else:
            self.stdout.write(text, ending="")
