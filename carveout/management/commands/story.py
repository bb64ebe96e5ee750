"""manage.py story QUERY"""

from typing import Any

import msgspec
from django.core.management.base import CommandError, CommandParser

from carveout.management.base import KitCommand
from carveout.management.redis_running import redis_running
from carveout.operations.story import text, tree


class Command(KitCommand):
    """Shows what followed from an event, found by its id, its key or a correlation id."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "query", help="an event's id, a key such as an order's number, or a request's id"
        )
        parser.add_argument("--format", choices=["text", "json"], default="text")

    def handle(self, *args: Any, query: str, **options: Any) -> None:
        with redis_running():
            found = tree.find(query)
        if options["format"] == "json":
            self.stdout.write(msgspec.json.format(msgspec.json.encode(found)).decode())
        else:
            self.stdout.write(text.written(found))
        if not found.stories:
            raise CommandError("There is no story.")
