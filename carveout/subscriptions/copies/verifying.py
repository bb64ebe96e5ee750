"""Compares an own copy with its owner's rows, both ways, and repairs what differs."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from django.utils import timezone

from carveout.errors import CopyOvertaken
from carveout.eventlog import remote
from carveout.events.event import PartitionRef
from carveout.lookups.provider import ROWS_PER_PAGE
from carveout.lookups.reader import Lookup, look_up_many
from carveout.subscriptions import cursors
from carveout.subscriptions.copies import filling, keeping
from carveout.subscriptions.copies.model import Copy

PAGE = 100
OWN_KEYS_MAX = 5 * ROWS_PER_PAGE
SUSPECTS_MAX = 10_000
"""Rows that differ and are looked at again together."""
SETTLES_S = 2.0
"""Seconds before a row is looked at again: its event gets a position first."""
WAIT_S = 60.0
"""Seconds that events may take to be handled."""
LOOKS = 5
OVERTAKEN_MAX = 20

Differing = dict[str, str]
"""How rows differ, by key: `missing`, `extra` or `changed`."""


class Verified(NamedTuple):
    """A part of a copy that was compared."""

    rows: int
    differences: Differing
    under_way: int
    """Rows that differ, but whose events are not handled yet or that change all the time."""


def verify(
    model: type[Copy],
    *,
    repair: bool = False,
    wait_s: float = WAIT_S,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Verified]:
    """Compare all rows of a copy with its owner's.

    A row that differs counts once the events up to now are handled and both rows stayed the same.

    Raises: LookupFailed: the owner did not answer, or refused.
            CopyNotStarted: no consumer has its place in the owner's log yet.
    """
    filling.require_started(model)
    state = filling.state_of(model)
    compared = left = 0
    for rows, suspects in _parts(model):
        found, under_way = _settled(model, suspects, wait_s, sleep) if suspects else ({}, 0)
        if repair and found:
            _repair(model, found)
        compared += rows
        left += 0 if repair else len(found)
        yield Verified(rows, found, under_way)
    state.refresh_from_db()
    state.verified_at, state.compared, state.differences = timezone.now(), compared, left
    state.save(update_fields=["verified_at", "compared", "differences"])


def _parts(model: type[Copy]) -> Iterator[tuple[int, list[str]]]:
    """Numbers of rows that were compared, with those that differ."""
    rows, suspects = 0, list[str]()
    for keys, differing in _pages(model):
        rows, suspects = rows + keys, suspects + differing
        if len(suspects) >= SUSPECTS_MAX:
            yield rows, suspects
            rows, suspects = 0, []
    yield rows, suspects


def _pages(model: type[Copy]) -> Iterator[tuple[int, list[str]]]:
    """For each page of the owner's rows: how many, and the keys of those that differ here.

    Own rows between the first and last key of a page that are not in it may be too many here.
    Wherever this database sorts keys otherwise than the owner's, all of them are in some such range
    or after the last key; only if a range has too many rows, each own row is looked up.
    """
    after, sorted_otherwise = "", False
    while page := filling.next_page(model, after):
        last = next(reversed(page))
        own = _own_keys(model, after, last)
        sorted_otherwise |= len(own) == OWN_KEYS_MAX
        yield len(page), [*_differing(model, page, page), *(key for key in own if key not in page)]
        if last == after:  # the only key is an empty text
            return
        after = last
    yield from _own_pages(model, "" if sorted_otherwise else after)


def _own_keys(model: type[Copy], after: str, last: str) -> list[str]:
    rows = keeping.rows_of(model).filter(pk__lte=last)
    beyond = rows.filter(pk__gt=after) if after else rows
    return list(map(str, beyond.values_list("pk", flat=True)[:OWN_KEYS_MAX]))


def _own_pages(model: type[Copy], after: Any) -> Iterator[tuple[int, list[str]]]:
    """For each page of own rows after a key: the keys of those that the owner does not have."""
    rows = keeping.rows_of(model).order_by("pk")
    while True:
        beyond = rows.filter(pk__gt=after) if after else rows
        keys = list(beyond.values_list("pk", flat=True)[:PAGE])
        if not keys:
            return
        found = look_up_many(keeping.reader_of(model), map(str, keys), primary=True)
        yield 0, [str(key) for key in keys if str(key) not in found]
        after = keys[-1]


def _differing(
    model: type[Copy], keys: Iterable[str], theirs: dict[str, Lookup]
) -> dict[str, tuple[str, int]]:
    """Which rows differ, how, and a hash of both."""
    ours = {str(row.pk): _values(model, row) for row in keeping.rows_of(model).filter(pk__in=keys)}
    found = {}
    for key in keys:
        own = ours.get(key)
        other = _values(model, keeping.row_from(model, theirs[key])) if key in theirs else None
        if own != other:
            how = "missing" if own is None else "extra" if other is None else "changed"
            found[key] = how, hash((repr(own), repr(other)))
    return found


def _values(model: type[Copy], row: Any) -> list[Any]:
    return [getattr(row, each.attname) for each in keeping.columns(model)]


def _settled(
    model: type[Copy], suspects: list[str], wait_s: float, sleep: Callable[[float], None]
) -> tuple[Differing, int]:
    """The rows that really differ, and how many may still be under way."""
    differences, before = Differing(), _look(model, suspects)
    for _ in range(LOOKS):
        if not before:
            break
        sleep(SETTLES_S)
        if not _wait_until_handled(model, wait_s, sleep):
            break
        now = _look(model, before)
        stayed = {key: how for key, (how, both) in now.items() if before[key][1] == both}
        differences |= stayed
        before = {key: each for key, each in now.items() if key not in stayed}
    return differences, len(before)


def _look(model: type[Copy], keys: Iterable[str]) -> dict[str, tuple[str, int]]:
    wanted = list(keys)
    theirs = look_up_many(keeping.reader_of(model), wanted, primary=True)
    return _differing(model, wanted, theirs)


def _wait_until_handled(model: type[Copy], wait_s: float, sleep: Callable[[float], None]) -> bool:
    """Wait until the copy has handled all events of now. Returns: whether it has."""
    subscription, database = keeping.subscription_of(model), keeping.database_of(model)
    context, owner = subscription.split(".")[0], model.copy_of.split(".")[0]
    places = cursors.by_partition(subscription, owner, database)
    heads = {
        number: remote.log_range(context, PartitionRef(owner, number)).head for number in places
    }
    until = time.monotonic() + wait_s
    while any(cursor < heads[number] for number, cursor in places.items()):
        if time.monotonic() > until:
            return False
        sleep(0.2)
        places = cursors.by_partition(subscription, owner, database)
    return True


def _repair(model: type[Copy], differences: Differing) -> None:
    keys = list(differences)
    for start in range(0, len(keys), PAGE):
        for attempt in range(OVERTAKEN_MAX):
            try:
                keeping.rewrite(model, keys[start : start + PAGE])
                break
            except CopyOvertaken:
                if attempt == OVERTAKEN_MAX - 1:
                    raise
