"""manage.py survey"""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from carveout.carving.recorder.merge import confirmed
from carveout.carving.recorder.recording import read
from carveout.carving.survey.report.html import as_html
from carveout.carving.survey.report.legend import KINDS
from carveout.carving.survey.report.narrowed import DANGER, Narrowing, narrowed
from carveout.carving.survey.report.origin import origin
from carveout.carving.survey.report.text import as_json, as_text, heading
from carveout.carving.survey.run import survey
from carveout.management import ratchet
from carveout.management.survey_command import SurveyCommand


class Command(SurveyCommand):
    """Finds every coupling between the apps of this project, by kind, with file and line."""

    help = __doc__
    formats = ("text", "json", "html")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--recorded", type=Path, help="a file that --carveout-record wrote")
        _add_part(parser)
        ratchet.add_ratchet(parser)

    def handle(self, *args: Any, root: Path | None, contexts: str | None, **options: Any) -> None:
        part = _part(options)
        project = self.project(root, contexts, options["no_cache"])
        found = survey(project)
        if ratchet.is_asked(options):
            if options["recorded"]:
                raise CommandError(
                    "The baseline lists what is read from code, not what ran: leave out --recorded."
                )
            ratchet.run(self, project, found, options)
            return
        if options["recorded"]:
            found = confirmed(found, read(options["recorded"]))
        found = narrowed(found, part)
        only = f"Only {part}." if str(part) else ""
        if options["format"] == "text":
            text = as_text(found, only, options["pairs"])
        elif options["format"] == "json":
            text = as_json(found)
        else:
            text = as_html(found, origin(project.root))
        summary = f"{heading(found)} {only}".rstrip()
        self.give(text, summary, options["output"])


def _add_part(parser: CommandParser) -> None:
    part = parser.add_argument_group("to show only a part")
    part.add_argument(
        "--kind",
        action="append",
        choices=[*KINDS, DANGER],
        metavar="KIND",
        help="only this kind of coupling, such as query, or danger; may be given several times",
    )
    part.add_argument(
        "--context",
        action="append",
        help="only couplings from or to this context or app; may be given several times",
    )
    tests = part.add_mutually_exclusive_group()
    tests.add_argument("--no-tests", action="store_true", help="leave out what only tests need")
    tests.add_argument("--only-tests", action="store_true", help="show what only tests need")
    part.add_argument("--pairs", action="store_true", help="only pairs, without their couplings")


def _part(options: dict[str, Any]) -> Narrowing:
    """Raises: CommandError, if a part is requested where only the whole is allowed."""
    part = Narrowing(
        kinds=frozenset(options["kind"] or ()),
        contexts=frozenset(options["context"] or ()),
        tests=True if options["only_tests"] else False if options["no_tests"] else None,
    )
    if part == Narrowing() and not options["pairs"]:
        return part
    if ratchet.is_asked(options):
        raise CommandError(
            "The baseline lists all couplings: leave out --kind, --context, --no-tests,"
            " --only-tests and --pairs."
        )
    if options["format"] == "html":
        raise CommandError("The page shows everything: filter there, under Show and Find.")
    if options["format"] == "json" and options["pairs"]:
        raise CommandError("--pairs is for text. Leave out --format json.")
    return part
