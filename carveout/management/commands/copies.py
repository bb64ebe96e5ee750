"""manage.py copies [fill NAME | verify NAME]"""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from carveout.management.base import KitCommand
from carveout.operations import own_copies
from carveout.operations.age import age_s, in_words
from carveout.operations.own_copies import CopyStatus
from carveout.subscriptions.copies import filling, verifying

HEADINGS = ("copy", "of", "rows", "filled", "waiting", "oldest", "verified", "differences")
SHOWN = 10
"""How many differing rows are named."""
PROGRESS_EVERY = 50_000
"""Rows between two lines."""


class Command(KitCommand):
    """Lists own copies, fills one from its owner's lookup, or compares it with its owner."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", nargs="?", default="list", choices=["list", "fill", "verify"])
        parser.add_argument("name", nargs="?", default="", help="the copy, such as reviews.Product")
        parser.add_argument(
            "--repair", action="store_true", help="with verify: write the rows that differ again"
        )
        parser.add_argument(
            "--wait",
            type=float,
            default=verifying.WAIT_S,
            metavar="SECONDS",
            help="with verify: how long events under way may take; default: %(default)s",
        )

    def handle(self, *args: Any, action: str, name: str, **options: Any) -> None:
        if action == "list":
            self._list()
        elif not name:
            raise CommandError(f"Name the copy: manage.py copies {action} NAME.")
        elif action == "fill":
            self._fill(name)
        else:
            self._verify(name, repair=options["repair"], wait_s=options["wait"])

    def _list(self) -> None:
        rows = [_cells(each) for each in own_copies.statuses()]
        if not rows:
            self.print_line("There are no own copies here. docs/howto/copy.md shows one.")
            return
        self.print_table(HEADINGS, rows)

    def _fill(self, name: str) -> None:
        keys = rows = shown = 0
        for page in filling.fill(own_copies.named(name)):
            keys, rows = keys + page.keys, rows + page.rows
            if keys - shown >= PROGRESS_EVERY:
                shown = keys
                self.print_line(f"{keys:,} rows of the owner, {rows:,} of them filled here …")
        self.print_line(f"{keys:,} rows of the owner, {rows:,} of them filled here. Done.")

    def _verify(self, name: str, *, repair: bool, wait_s: float) -> None:
        rows = under_way = 0
        found: verifying.Differing = {}
        for part in verifying.verify(own_copies.named(name), repair=repair, wait_s=wait_s):
            rows, under_way = rows + part.rows, under_way + part.under_way
            for key, how in part.differences.items():
                if len(found) < SHOWN:
                    self.print_line(f"{how:8} {key}")
                found[key] = how
        if len(found) > SHOWN:
            self.print_line(f"and {len(found) - SHOWN:,} more")
        done = "repaired" if repair else "not repaired"
        differ = f"{len(found):,} differ, {done}" if found else "none differs"
        self.print_line(f"{rows:,} rows of the owner compared: {differ}; {under_way:,} under way.")
        if found and not repair:
            raise CommandError(f"Repair them: manage.py copies verify {name} --repair")


def _cells(each: CopyStatus) -> tuple[str, ...]:
    state = each.state
    return (
        each.name,
        each.model.copy_of,
        f"{each.rows:,}",
        _when(state.filled_at) if state.filled_at or not state.began_at else "under way",
        "unknown" if each.waiting is None else f"{each.waiting:,} events",
        f"{in_words(age_s(each.oldest))}" if each.oldest else "",
        _when(state.verified_at),
        f"{state.differences:,}" if state.verified_at else "",
    )


def _when(moment: Any) -> str:
    return f"{moment:%F %T}" if moment else "never"
