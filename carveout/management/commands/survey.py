"""manage.py survey"""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from carveout.management import ratchet
from carveout.management.survey_command import SurveyCommand
from carveout.recorder.confirmed import confirmed
from carveout.recorder.recording import read
from carveout.survey.report.page import as_html
from carveout.survey.report.table import as_json, as_text, heading
from carveout.survey.survey import survey

FORMATS = {"text": as_text, "json": as_json, "html": as_html}


class Command(SurveyCommand):
    """Finds every coupling between the apps of this project, by kind, with file and line."""

    help = __doc__
    formats = tuple(FORMATS)

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--recorded", type=Path, help="what --carveout-record has written")
        ratchet.add_ratchet(parser)

    def handle(self, *args: Any, root: Path | None, contexts: str | None, **options: Any) -> None:
        project = self.project(root, contexts, options["no_cache"])
        found = survey(project)
        if ratchet.is_asked(options):
            if options["recorded"]:
                raise CommandError("The baseline lists what is read, not what ran: no --recorded.")
            ratchet.run(self, project, found, options)
            return
        if options["recorded"]:
            found = confirmed(found, read(options["recorded"]))
        self.give(FORMATS[options["format"]](found), heading(found), options["output"])
