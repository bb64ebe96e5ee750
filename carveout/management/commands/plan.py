"""manage.py plan"""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from carveout.management.survey_command import SurveyCommand
from carveout.plan.plan import plan
from carveout.plan.text import as_json, as_text, heading
from carveout.recorder.recording import read
from carveout.survey.survey import survey


class Command(SurveyCommand):
    """Ranks contexts by what carving them costs, suggests some, and says each cut."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--context", action="append", default=[], help="show each cut of this context"
        )
        parser.add_argument("--recorded", type=Path, help="what --carveout-record has written")
        parser.add_argument(
            "--suggest", action="store_true", help="suggest contexts also where some are declared"
        )

    def handle(self, *args: Any, root: Path | None, contexts: str | None, **options: Any) -> None:
        recording = read(options["recorded"]) if options["recorded"] else None
        accounts = settings.AUTH_USER_MODEL.partition(".")[0]
        project = self.project(root, contexts, options["no_cache"])
        found = plan(survey(project), recording, options["suggest"], accounts)
        text = as_json(found) if options["format"] == "json" else as_text(found, options["context"])
        self.give(text, heading(found), options["output"])
