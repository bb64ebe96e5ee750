"""The options of the survey that compare with the baseline."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.template.defaultfilters import pluralize

from carveout.management.command import KitCommand
from carveout.ratchet.baseline import NAME, default_path
from carveout.ratchet.entry import Entry
from carveout.ratchet.ratchet import Ratchet
from carveout.survey.found import Survey
from carveout.survey.project import Project


def add_ratchet(parser: CommandParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--check", action="store_true", help="fail on couplings that the baseline lacks"
    )
    what.add_argument(
        "--write",
        action="store_true",
        help="write the baseline; if there is one, take out of it what is gone, and add nothing",
    )
    what.add_argument(
        "--accept",
        nargs="*",
        metavar="COUPLING",
        help="add these new couplings to the baseline: `kind: symbol -> symbol`, or one symbol of"
        " it; without any, all",
    )
    parser.add_argument("--baseline", type=Path, help=f"default: {NAME} in the project's root")


def is_asked(options: dict[str, Any]) -> bool:
    return bool(options["check"] or options["write"] or options["accept"] is not None)


def run(command: KitCommand, project: Project, found: Survey, options: dict[str, Any]) -> None:
    """Raises: CommandError: there are new couplings and nobody accepts them."""
    path = options["baseline"] or default_path(project.root)
    ratchet = Ratchet(project, found, path, merge=not options["check"])
    if options["check"]:
        _check(command, ratchet)
    elif options["write"]:
        ratchet.write()
        command.stdout.write(_written(ratchet))
    else:
        _accept(command, ratchet, options["accept"])


def _check(command: KitCommand, ratchet: Ratchet) -> None:
    for line in _notices(ratchet):
        command.stdout.write(f"notice: {line}")
    new = ratchet.new()
    if new and not ratchet.exists:
        raise CommandError(
            f"{_counted(len(new))} and no {ratchet.path}. Say `survey --write` first: it lists"
            " what there is today."
        )
    for each in new:
        command.stdout.write("\n    ".join([each.headline, *each.advice]))
    if new:
        raise CommandError(
            f"{_counted(len(new), 'new ')}. What has to stay is listed by `survey --accept`."
        )
    command.stdout.write("No new coupling.")


def _accept(command: KitCommand, ratchet: Ratchet, names: list[str]) -> None:
    for entry in ratchet.accept(names):
        command.stdout.write(f"accepted: {entry}")
    command.stdout.write(_written(ratchet))


def _written(ratchet: Ratchet) -> str:
    told = ratchet.verdict
    left = len(ratchet.baseline.entries)
    changes = f" {len(told.gone)} gone, {len(told.moved)} renamed." if ratchet.exists else ""
    missing = {*told.new} - {*ratchet.baseline.entries}
    more = f" {_counted(len(missing), 'new ')} not listed: see `--check`." if missing else ""
    return f"{ratchet.path}: {_counted(left)}.{changes}{more}"


def _notices(ratchet: Ratchet) -> Iterator[str]:
    told = ratchet.verdict
    for old, new in sorted(told.moved.items()):
        yield f"renamed: {_both(old, new)}"
    if told.gone or told.moved:
        yield (
            f"{len(told.gone)} gone, {len(told.moved)} renamed since the baseline was written."
            " `survey --write` shrinks it."
        )
    for entry in told.held:
        yield f"perhaps not gone, its file could not be read: {entry}"
    for each in ratchet.found.unread:
        yield f"could not be read: {each}"


def _both(old: Entry, new: Entry) -> str:
    return f"{old}, now {new.source} -> {new.target}"


def _counted(count: int, which: str = "") -> str:
    return f"{count} {which}coupling{pluralize(count)}"
