"""manage.py tryout SUBSCRIPTION --against REVISION [--events N]"""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import connections

from carveout.management.arguments import declared
from carveout.management.base import KitCommand
from carveout.operations import seam_modes
from carveout.operations.tryout import other_version
from carveout.operations.tryout.one_version import run
from carveout.operations.tryout.result import TryoutResult, compare
from carveout.subscriptions.subscription import Subscription


class Command(KitCommand):
    """Runs this code's handler and another version's over the log's past, and compares them."""

    help = __doc__
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the subscription, such as reviews.mark_verified")
        parser.add_argument("--against", metavar="REVISION", help="of git, such as HEAD~1")
        parser.add_argument(
            "--events", type=int, default=10_000, help="how many of the last; default: %(default)s"
        )
        parser.add_argument(
            "--emptied",
            action="store_true",
            help="as if the context's tables had no rows; locks them meanwhile",
        )
        parser.add_argument("--print-effects", action="store_true", help="only this code, as JSON")

    def handle(self, *args: Any, name: str, against: str | None, **options: Any) -> None:
        if options["print_effects"]:
            _use_databases(json.loads(sys.stdin.readline()))
            for line in run(declared(name), options["events"], emptied=options["emptied"]):
                self.stdout.write(line)
            return
        if not against:
            raise CommandError("Name the other version: --against HEAD~1.")
        subscription, count = declared(name), options["events"]
        emptied = ["--emptied"] if options["emptied"] else []
        arguments = ["tryout", name, "--print-effects", "--events", str(count), *emptied]
        manage = Path(sys.argv[0])
        with (
            seam_modes.rows_recorded(subscription.database),
            other_version.checked_out(against, manage) as theirs,
        ):
            result = compare(
                other_version.all_at_once(other_version.lines(theirs, arguments)),
                other_version.lines(manage, arguments),
            )
        self._print(result, subscription, against)

    def _print(self, result: TryoutResult, subscription: Subscription, against: str) -> None:
        self.print_line(
            f"{result.events:,} events of {subscription.name}, {against} and this code:"
            f" {result.equal:,} equal, {result.different:,} different,"
            f" {result.unknown.total():,} not comparable"
        )
        if result.without_effects:
            self.print_line(f"  neither did anything for {result.without_effects:,} of the equal")
        for error, many in result.raised.most_common():
            self.print_line(f"  both raised for {many:,}: {error[:200]}")
        for reason, many in result.unknown.most_common():
            self.print_line(f"  not comparable, {many:,}: {reason[:200]}")
        for shape, many in result.groups.most_common():
            key, difference = result.examples[shape]
            self.print_line(
                f"  {many:,} different: {shape}: `{difference.call}` by {against},"
                f" `{difference.event}` by this code   e.g. {key}"
            )
        for reader in sorted({each.lookup_of for each in subscription.lookups.values()}):
            self.print_line(f"Today's rows answered for yesterday's events: {reader}.")


def _use_databases(names: dict[str, str]) -> None:
    """Use the databases of the version that asks: a file may be named relative to the code."""
    for alias, name in names.items():
        connections.databases[alias]["NAME"] = name
        connections[alias].settings_dict["NAME"] = name
