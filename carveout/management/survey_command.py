"""The base of commands that begin with a survey."""

from pathlib import Path

from django.core.management.base import CommandParser

from carveout.errors import SettingsInvalid
from carveout.management.command import KitCommand
from carveout.survey import grouping
from carveout.survey.project import Project, default_root, nothing_own


class SurveyCommand(KitCommand):
    """Takes the root and a grouping; writes to where it is told."""

    requires_system_checks = []  # it changes no code, and a tangled project may well fail some
    formats: tuple[str, ...] = ("text", "json")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--root", type=Path, help="first-party code lies here")
        parser.add_argument(
            "--contexts",
            help="try a grouping: context=app,app;context=app, or a file of such lines",
        )
        parser.add_argument("--format", choices=self.formats, default="text")
        parser.add_argument(
            "--no-cache",
            action="store_true",
            help="read every file, and keep nothing for the next time",
        )
        parser.add_argument("--output", type=Path, help="a file to write to")

    def project(self, root: Path | None, contexts: str | None, no_cache: bool) -> Project:
        grouped = grouping.parse(contexts) if contexts else grouping.declared()
        project = Project(root or default_root(), grouped, cached=not no_cache)
        if not project.own:
            raise SettingsInvalid(nothing_own(project))
        return project

    def give(self, text: str, heading: str, output: Path | None) -> None:
        """Into the file, and then only the heading is told; else all of it is."""
        if output:
            output.write_text(text, "utf-8")
            self.tell(heading)
        else:
            self.stdout.write(text, ending="")
