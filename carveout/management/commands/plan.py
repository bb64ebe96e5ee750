"""manage.py plan"""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from carveout.carving.plan.plan import plan
from carveout.carving.plan.text import as_json, as_text, heading
from carveout.carving.ratchet.allowed_unread import not_allowed
from carveout.carving.ratchet.baseline import listed_unread as listed
from carveout.carving.recorder.recording import read
from carveout.carving.survey.run import survey
from carveout.conf.requirements import insist_on_carving
from carveout.management.ratchet import unread
from carveout.management.survey_command import SurveyCommand


class Command(SurveyCommand):
    """Ranks contexts by the cost of carving them, suggests contexts, and lists each cut."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--context", action="append", default=[], help="show each cut of this context"
        )
        parser.add_argument("--recorded", type=Path, help="a file that --carveout-record wrote")
        parser.add_argument(
            "--suggest", action="store_true", help="suggest contexts even if some are declared"
        )

    def handle(self, *args: Any, root: Path | None, contexts: str | None, **options: Any) -> None:
        insist_on_carving("`plan`")
        recording = read(options["recorded"]) if options["recorded"] else None
        accounts = settings.AUTH_USER_MODEL.partition(".")[0]
        project = self.project(root, contexts, options["no_cache"])
        surveyed = survey(project)
        found = plan(surveyed, recording, options["suggest"], accounts)
        text = as_json(found) if options["format"] == "json" else as_text(found, options["context"])
        self.give(text, heading(found), options["output"])
        gaps = not_allowed(surveyed.unread, [*options["allow_unread"], *listed(project.root)])
        if gaps:
            raise unread(surveyed, gaps, " The plan lacks their couplings.")
