"""Checks own copies: filled completely, and equal to their owner when they were verified."""

from collections.abc import Iterator

from carveout.conf.time_zones import named
from carveout.operations import own_copies
from carveout.operations.doctor.finding import Finding, count, ok, warning
from carveout.operations.own_copies import CopyStatus


def check(context: str) -> Iterator[Finding]:
    """How far they are behind their events is checked with all other subscriptions."""
    for each in own_copies.statuses([context]):
        yield _check(each)


def _check(each: CopyStatus) -> Finding:
    what, state = f"Own copy {each.name}", each.state
    if not state.began_at:
        found = "was never filled, so it has only rows that were changed since it began"
        return warning(what, found, f"run `manage.py copies fill {each.name}`")
    if not state.filled_at:
        return warning(
            what,
            f"its filling was not completed, the last key was {state.after!r}",
            f"run `manage.py copies fill {each.name}`, unless it is running: it goes on there",
        )
    if state.differences:
        return warning(
            what,
            f"{count(state.differences, 'row')} differed from the owner's when it was verified",
            f"run `manage.py copies verify {each.name} --repair`",
        )
    verified = f"and verified {named(state.verified_at)}" if state.verified_at else "not verified"
    return ok(what, f"{count(each.rows, 'row')}, filled {named(state.filled_at)}, {verified}")
