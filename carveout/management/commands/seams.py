"""manage.py seams [NAME [--mode MODE | --ignore KIND]]"""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from carveout.management.arguments import actor_of, add_audit
from carveout.management.base import KitCommand
from carveout.models import Mismatch, Seam
from carveout.operations import seam_modes, seam_results
from carveout.operations.audit import Actor
from carveout.operations.seam_results import SeamResults

HEADINGS = ("seam", "mode", "since", "by", "reason")
COMPARED = (
    *("seam", "compared", "equal", "different", "moved on", "not comparable", "waiting"),
    *("call", "event", "may differ"),
)


class Command(KitCommand):
    """Lists seams and what comparing them found, or switches one between its call and its event."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", help="the seam, such as notifications.tell")
        parser.add_argument(
            "--mode",
            help="direct (only the call), shadow (both, compared), events (only the event)",
        )
        parser.add_argument(
            "--share", type=int, default=100, metavar="PERCENT", help="of keys; default: 100"
        )
        parser.add_argument(
            "--ignore",
            action="append",
            default=[],
            metavar="KIND",
            help="a kind of difference that does not count from now on; may be repeated",
        )
        parser.add_argument(
            "--guard",
            type=int,
            metavar="N",
            help="with --mode: switch back to direct after N differences or failed events",
        )
        parser.add_argument(
            "--remove-triggers", action="store_true", help="remove what records rows"
        )
        add_audit(parser)

    def handle(self, *args: Any, name: str | None, mode: str | None, **options: Any) -> None:
        by, why = actor_of(options), options["reason"]
        if options["ignore"]:
            if not name:
                raise CommandError("Name the seam whose differences to ignore.")
            seam_modes.ignore(name, options["ignore"], by, why)
            self.stdout.write(f"{name} ignores {', '.join(options['ignore'])}.")
        if options["remove_triggers"]:
            seam_modes.stop_recording()
            self.print_line("The triggers that record rows are removed.")
        elif mode:
            self._switch(name, mode, options, by, why)
        elif not options["ignore"]:
            self._list(name)

    def _switch(
        self, name: str | None, mode: str, options: dict[str, Any], by: Actor, why: str
    ) -> None:
        if not name:
            raise CommandError("Name the seam to switch, or leave --mode out to list all seams.")
        row = seam_modes.switch_to(name, mode, options["share"], by, why, options["guard"])
        self.print_line(f"{name} is {seam_modes.shown(row)}, in all processes within 5 s.")
        if mode == Seam.Mode.SHADOW:
            self.print_line(f"The calls still do the work. Results: manage.py seams {name}")
        if mode != Seam.Mode.DIRECT:
            self.print_line(f"Back: manage.py seams {name} --mode direct --reason …")

    def _list(self, name: str | None) -> None:
        seams = seam_modes.seams()
        if name and name not in [each.name for each in seams]:
            raise CommandError(f"There is no seam {name!r} here.")
        if not seams:
            self.print_line("There are no seams. manage.py carve writes one.")
            return
        chosen = [each for each in seams if name in (None, each.name)]
        self.print_table(HEADINGS, [_cells(row) for row in chosen])
        compared = [each for each in map(seam_results.of, chosen) if each.summary.any]
        if compared:
            self.print_line("")
            self.print_table(COMPARED, [_results(each) for each in compared])
        for each in compared:
            for mismatch in each.mismatches:
                self.print_line(f"  {_told(mismatch)}")


def _cells(row: Seam) -> tuple[str, ...]:
    if fixed := seam_modes.fixed_mode(row.name):
        return (row.name, fixed, "", "", "fixed by CARVEOUT['SEAMS']")
    since = f"{row.changed_at:%F %T}" if row.version else ""
    return (row.name, seam_modes.shown(row), since, row.changed_by, " ".join(row.reason.split()))


def _results(each: SeamResults) -> tuple[str, ...]:
    found = each.summary
    numbers = (
        *(found.compared, found.equal, found.different, found.moved_on),
        *(found.not_comparable, found.waiting),
    )
    may = found.at_most_percent
    return (
        each.seam.name,
        *(f"{number:,}" for number in numbers),
        *(_time(ms) for ms in (found.call_ms, found.event_ms)),
        "" if may is None else f"at most {_short(may)} %",
    )


def _time(ms: float | None) -> str:
    return "" if ms is None else f"{_short(ms)} ms"


def _short(value: float) -> str:
    """Two digits are enough, or all before the point."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _told(mismatch: Mismatch) -> str:
    text = f"{mismatch.events:,} {mismatch.outcome}: {mismatch.shape}"
    if not mismatch.examples:
        return text
    last = mismatch.examples[0]
    if last["call"] or last["by_event"]:
        text += f": `{last['call']}` by the call, `{last['by_event']}` by the event"
    return f"{text}   e.g. {last['key']}"
