"""manage.py carve FUNCTION --event CONTEXT.Type, and manage.py carve --finish SEAM"""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from carveout.carving.survey import grouping
from carveout.carving.survey.project import Project
from carveout.carving.survey.project_root import default_root
from carveout.conf.requirements import insist_on_carving
from carveout.management.base import KitCommand
from carveout.operations import seam_modes


class Command(KitCommand):
    """Rewrites the calls of a function to seams, and writes the event path beside them. Later it
    removes the seams."""

    help = __doc__
    requires_system_checks = []  # a tangled project may fail some checks

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("function", nargs="?", default="", help="notifications.services.tell")
        parser.add_argument(
            "--event",
            action="append",
            default=[],
            metavar="[FUNCTION=]CONTEXT.TYPE",
            help="the event that replaces the calls, or those in one function",
        )
        parser.add_argument(
            "--key", default="", help="what identifies the object: PARAMETER.FIELD or PARAMETER"
        )
        parser.add_argument("--write", action="store_true", help="write the files")
        parser.add_argument(
            "--recipe", type=Path, help="a file that stores these decisions, and has earlier ones"
        )
        parser.add_argument(
            "--finish",
            action="append",
            default=[],
            metavar="SEAM",
            help="remove this seam and its calls, in two steps; repeat it for several seams",
        )
        parser.add_argument(
            "--after",
            type=int,
            default=7,
            metavar="DAYS",
            help="how long all its keys must have been events; default: %(default)s",
        )
        parser.add_argument("--root", type=Path, help="the folder of first-party code")

    def handle(self, *args: Any, function: str, recipe: Path | None, **options: Any) -> None:
        insist_on_carving("`carve`")
        if options["finish"]:
            self._finish(options)
            return
        from carveout.carving.carve import carving, decisions, text  # needs libcst

        decided = decisions.from_options(function, options["event"], options["key"])
        if recipe and recipe.exists():
            decided = decisions.merged(decisions.read(recipe), decided)
        if not decided.function:
            raise CommandError("Name the function to carve, such as notifications.services.tell.")
        project = Project(options["root"] or default_root(), grouping.declared())
        found = carving.carve(project, decided)
        if recipe:
            decisions.write(decided, recipe)
        if options["write"]:
            found.write()
        shown = text.as_text(found, project.root, written=options["write"])
        self.stdout.write(shown, ending="")
        if found.blocking:
            raise CommandError("The event path can't be written until the lines above are fixed.")

    def _finish(self, options: dict[str, Any]) -> None:
        from carveout.carving.carve import finish_text, finishing  # needs libcst
        from carveout.carving.survey.sources import Sources

        states = [seam_modes.ripe(name, options["after"]) for name in options["finish"]]
        project = Project(options["root"] or default_root(), grouping.declared())
        found = finishing.finish(Sources(project), options["finish"])
        if options["write"]:
            found.write()
        shown = finish_text.as_text(found, states, project.root, written=options["write"])
        self.stdout.write(shown, ending="")
        if found.blocking:
            raise CommandError("The seam can't be finished until the lines above are fixed.")
