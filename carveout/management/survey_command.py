"""The base class of commands that begin with a survey."""

from pathlib import Path

from django.core.management.base import CommandParser

from carveout.carving.survey import grouping
from carveout.carving.survey.project import Project, nothing_own
from carveout.carving.survey.project_root import default_root
from carveout.conf.validation import suggest
from carveout.errors import SettingsInvalid
from carveout.management.base import KitCommand


class SurveyCommand(KitCommand):
    """Has options for the root, a grouping and the output."""

    requires_system_checks = []  # it changes no code, and a tangled project may fail some checks
    formats: tuple[str, ...] = ("text", "json")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--root", type=Path, help="the folder of first-party code")
        parser.add_argument(
            "--contexts",
            help="try a grouping: context=app,app;context=app, or a file with such lines",
        )
        parser.add_argument("--format", choices=self.formats, default="text")
        parser.add_argument(
            "--no-cache",
            action="store_true",
            help="read every file, and store nothing for the next run",
        )
        parser.add_argument("--output", type=Path, help="a file to write to")
        parser.add_argument(
            "--allow-unread",
            action="extend",
            nargs="+",
            default=[],
            metavar="NAME",
            help="may stay unread, such as `file: orders/old.py`; --write lists it in the baseline",
        )

    def project(self, root: Path | None, contexts: str | None, no_cache: bool) -> Project:
        grouped = grouping.parse(contexts) if contexts else grouping.declared()
        project = Project(root or default_root(), grouped, cached=not no_cache)
        if not project.own:
            raise SettingsInvalid(nothing_own(project))
        if contexts:
            for each in project.unknown:
                raise SettingsInvalid(
                    f"--contexts: there is no app or module {each}. {suggest(each, project.own)}"
                )
        return project

    def give(self, text: str, heading: str, output: Path | None) -> None:
        """Writes the text to the file and prints only the heading; without a file, prints all."""
        if output:
            output.write_text(text, "utf-8")
            self.print_line(heading)
        else:
            self.stdout.write(text, ending="")
