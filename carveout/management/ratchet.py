"""Adds the options of `survey` that compare with the baseline, and runs them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.template.defaultfilters import pluralize

from carveout.carving.ratchet.allowed_unread import EXIT_UNREAD, advice
from carveout.carving.ratchet.baseline_path import NAME, default_path
from carveout.carving.ratchet.entry import Entry
from carveout.carving.ratchet.ratchet import Ratchet
from carveout.carving.survey.project import Project
from carveout.carving.survey.result import Survey
from carveout.carving.survey.unread import Gap, missing
from carveout.management.base import KitCommand

NO_NEW = "No new coupling"


def add_ratchet(parser: CommandParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--check", action="store_true", help="fail on couplings that the baseline lacks"
    )
    what.add_argument(
        "--write",
        action="store_true",
        help="write the baseline; if it exists, only remove couplings that are gone",
    )
    what.add_argument(
        "--accept",
        nargs="*",
        metavar="COUPLING",
        help="add these new couplings to the baseline, each as `kind: symbol -> symbol` or as one"
        " of its symbols; without names, add all",
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="with --check: also fail on unsure couplings",
    )
    parser.add_argument("--baseline", type=Path, help=f"default: {NAME} in the project's root")


def is_asked(options: dict[str, Any]) -> bool:
    return bool(options["check"] or options["write"] or options["accept"] is not None)


def run(command: KitCommand, project: Project, found: Survey, options: dict[str, Any]) -> None:
    """Raises: CommandError, if there are new couplings that are not accepted, or something could
    not be read and is not allowed."""
    path = options["baseline"] or default_path(project.root)
    merge, allow = not options["check"], options["allow_unread"]
    ratchet = Ratchet(project, found, path, merge=merge, allow=allow, strict=options["strict"])
    if options["check"]:
        _check(command, ratchet)
    elif ratchet.unread:
        raise unread(found, ratchet.unread, " Nothing was written.")
    elif options["write"]:
        ratchet.write()
        command.stdout.write(_written(ratchet))
    else:
        _accept(command, ratchet, options["accept"])


def _check(command: KitCommand, ratchet: Ratchet) -> None:
    for line in _notices(ratchet):
        command.stdout.write(f"notice: {line}")
    for gap in ratchet.unread:
        command.stdout.write(f"not read: {gap}")
    new = ratchet.new()
    if new and not ratchet.exists:
        raise CommandError(
            f"{_counted(len(new))} and no {ratchet.path}. Run `survey --write` first: it lists"
            " today's couplings."
        )
    for each in new:
        command.stdout.write("\n    ".join([each.headline, *each.advice]))
    if new:
        more = f" {unread(ratchet.found, ratchet.unread)}" if ratchet.unread else ""
        raise CommandError(
            f"{_counted(len(new), 'new ')}. To keep one for now, run `survey --accept`.{more}"
        )
    if ratchet.unread:
        raise unread(ratchet.found, ratchet.unread, " New couplings in unread code go unnoticed.")
    rest = ratchet.found.missing
    command.stdout.write(f"{NO_NEW} in what was read. Not read: {rest}." if rest else f"{NO_NEW}.")


def unread(found: Survey, gaps: list[Gap], consequence: str = "") -> CommandError:
    """The error to raise if something could not be read and is not allowed."""
    return CommandError(
        f"{missing(gaps, found.tried)} could not be read.{consequence} {advice(gaps)}",
        returncode=EXIT_UNREAD,
    )


def _accept(command: KitCommand, ratchet: Ratchet, names: list[str]) -> None:
    for entry in ratchet.accept(names):
        command.stdout.write(f"accepted: {entry}")
    command.stdout.write(_written(ratchet))


def _written(ratchet: Ratchet) -> str:
    result = ratchet.comparison
    left = len(ratchet.baseline.entries)
    changes = f" {len(result.gone)} gone, {len(result.moved)} renamed." if ratchet.exists else ""
    missing = {*result.new} - {*ratchet.baseline.entries}
    more = f" {_counted(len(missing), 'new ')} not listed: run `survey --check`." if missing else ""
    return f"{ratchet.path}: {_counted(left)}.{changes}{more}"


def _notices(ratchet: Ratchet) -> Iterator[str]:
    result = ratchet.comparison
    for old, new in sorted(result.moved.items()):
        yield f"renamed: {_both(old, new)}"
    if result.gone or result.moved:
        yield (
            f"{len(result.gone)} gone, {len(result.moved)} renamed since the baseline was written."
            " Run `survey --write` to update it."
        )
    for entry in result.held:
        yield f"may not be gone, since something could not be read: {entry}"
    for each in ratchet.found.unread:
        if each not in ratchet.unread:
            yield f"not read, which is allowed: {each}"


def _both(old: Entry, new: Entry) -> str:
    return f"{old}, now {new.source} -> {new.target}"


def _counted(count: int, which: str = "") -> str:
    return f"{count} {which}coupling{pluralize(count)}"
