"""Shows a carving as text: calls, what is read, what can't be done, and a diff."""

from collections.abc import Iterator, Sequence
from difflib import unified_diff
from pathlib import Path

from django.template.defaultfilters import pluralize

from carveout.carving.carve.arguments import EventPlan
from carveout.carving.carve.call_sites import Site
from carveout.carving.carve.carved import Carved
from carveout.carving.carve.planned import Planned


def as_text(found: Carved, root: Path, *, written: bool) -> str:
    return "\n".join(_lines(found, root, written=written)) + "\n"


def _lines(found: Carved, root: Path, *, written: bool) -> Iterator[str]:
    callee = found.callee
    parameters = ", ".join(each.name for each in callee.parameters)
    count = sum(len(plan.sites) for plan in found.plans.values())
    yield f"{callee.name}({parameters}): {count} call{pluralize(count)} can be a seam."
    for plan in found.plans.values():
        for site in plan.sites:
            yield _site(found, plan, site)
    if found.receiver:
        yield f"  The receiver {found.receiver} stays, and calls {callee.method} for its work."
    if found.already:
        yield f"  {found.already} call{pluralize(found.already)} in a seam already."
    if found.at_home:
        yield f"  In {callee.context} itself, and left as they are: {', '.join(found.at_home)}"
    yield from section("Calls that can't be a seam, and stay as they are", found.refused)
    for each in found.lookups:
        yield f"\nRead of {each.row.parameter}: {' '.join(sorted(each.fields.leaves()))}"
        yield f"  → lookup {each.name} by {each.row.attribute}; reader {each.reader}"
    yield from section("Fix first: with an event this would fail", found.blocking)
    yield from section("Notices", found.notices)
    yield from unread(found)
    if not found.changed:
        yield "\nNothing to write."
    elif found.blocking:
        yield "\nNothing was written."
    elif written:
        yield written_files(found, root)
        yield f"The seam {callee.seam} is direct: each call runs as before."
        yield f"Next: run your tests, deploy, then manage.py seams {callee.seam} --mode shadow"
    else:
        yield from diff(found, root)
        yield "\nNothing was written. To write this, add --write."


def _site(found: Carved, plan: EventPlan, site: Site) -> str:
    source, _, call = site
    where = f"{source.file}:{call.line}"
    inside = "in its transaction" if call.atomic else "no transaction is opened there"
    return f"  {where}  {call.scope} → {plan.type}  key {found.key.shown}, {inside}"


def unread(found: Planned) -> Iterator[str]:
    yield from section("Could not be read; what it has is missing here", found.unread)


def section(title: str, problems: Sequence[object]) -> Iterator[str]:
    if problems:
        yield f"\n{title}"
        yield from (f"  {each}" for each in problems)


def written_files(found: Planned, root: Path) -> str:
    return f"\nWritten: {', '.join(each.relative_to(root).as_posix() for each in found.changed)}."


def diff(found: Planned, root: Path) -> Iterator[str]:
    for path in found.changed:
        name = path.relative_to(root).as_posix()
        old, new = found.old[path], found.new[path]
        before = f"a/{name}" if old else "/dev/null"
        lines = unified_diff(old.splitlines(), new.splitlines(), before, f"b/{name}", lineterm="")
        yield ""
        yield from lines
