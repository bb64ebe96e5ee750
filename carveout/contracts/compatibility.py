"""Finds changes to events and lookups, and the subscriptions and readers that they break."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from carveout.contracts import json_schema
from carveout.contracts.contract import Contracts, EventType, Offer, event_uses, lookup_uses
from carveout.contracts.event_changes import Change, changes, demanded
from carveout.contracts.needs import unmet
from carveout.contracts.violation import Violation


class Concern(NamedTuple):
    """A dependent subscription or reader, and the types that it declares, if any."""

    at: str
    who: str
    wanted: frozenset[str] = frozenset()


def incompatibilities(now: Contracts, before: Contracts) -> Iterator[Violation]:
    """Removed things and changed types; as notices, those that nothing depends on.

    now: all known contracts. before: the stored contracts of the contexts hosted here.
    """
    yield from unmet(now)
    for context, stored in before.items():
        for name, event in stored.events.items():
            yield from _event_incompatibilities(name, event, now[context].events.get(name), now)
        for name, offer in stored.lookups.items():
            yield from _lookup_incompatibilities(name, offer, now[context].lookups.get(name), now)


def _event_incompatibilities(
    name: str, was: EventType, event: EventType | None, now: Contracts
) -> Iterator[Violation]:
    """A subscription is assumed to need all fields of an event: a handler does not name them.

    With a new version the change is intended, and is only a notice.
    """
    uses = [each for each in event_uses(now) if each.type == name]
    if event is None:
        if not uses:  # else it is an unmet need
            yield Violation(was.at, f"{name} is gone; nothing subscribes to it.", is_error=False)
        return
    concerns = [Concern(each.declared.at, f"{each.subscription} handles {name}") for each in uses]
    changed = list(changes(was, event))
    meant = f" since version {event.version}" if event.version > was.version else ""
    for change in changed:
        yield from _judge(change, f"{name}.{change.path}", event.at, concerns, meant)
    if event.version == was.version:
        yield from _judge_age(
            name, changed, list(demanded(was, event)), event, has_subscribers=bool(uses)
        )
    else:
        yield from _judge_version(name, was, event)
    if was.key != event.key:
        yield from _judge_key(was.key, event.key, name, event.at, concerns)


def _lookup_incompatibilities(
    name: str, was: Offer, offer: Offer | None, now: Contracts
) -> Iterator[Violation]:
    readers = [each for each in lookup_uses(now) if each.lookup == name]
    if offer is None:
        if not readers:
            yield Violation(was.at, f"{name} is gone; nothing reads it.", is_error=False)
        return
    for change in changes(was, offer):
        concerns = [
            Concern(field.at, f"{each.label}.{change.path}", json_schema.parse_types(field.type))
            for each in readers
            if (field := each.reader.fields.get(change.path))
        ]
        if change.now or not concerns:  # else it is an unmet need
            yield from _judge(change, f"{name}.{change.path}", offer.at, concerns)
    if was.key != offer.key:
        concerns = [Concern(each.reader.at, f"{each.label} reads {name}") for each in readers]
        yield from _judge_key(was.key, offer.key, name, offer.at, concerns)


def _judge(
    change: Change, what: str, at: str, concerns: Sequence[Concern], meant: str = ""
) -> Iterator[Violation]:
    broken = [each for each in concerns if not change.suits(each.wanted)]
    for each in broken:
        yield Violation(each.at, f"{each.who}; {what} {change.text}{meant}.", is_error=not meant)
    if not broken:
        reason = "that suits all its readers" if concerns else "nothing reads it"
        yield Violation(at, f"{what} {change.text}; {reason}.", is_error=False)


def _judge_age(
    name: str,
    changed: Sequence[Change],
    new: Sequence[str],
    event: EventType,
    *,
    has_subscribers: bool,
) -> Iterator[Violation]:
    """Find changes without a new version: older events in the log then look like new ones."""
    found = [f"{each.path} {each.text}" for each in changed if not each.suits()]
    found += [f"{path} is new and older events lack it" for path in new]
    if found and has_subscribers:
        yield Violation(
            event.at,
            f"{name} changed ({', '.join(found)}) and is still at version {event.version}. Set"
            f" version={event.version + 1} and write an upcaster:"
            f' @carveout.upcast("{name}", version={event.version}).',
        )
    elif new:
        text = f"{name}: older events lack the new {', '.join(new)}; nothing subscribes to it."
        yield Violation(event.at, text, is_error=False)


def _judge_version(name: str, was: EventType, event: EventType) -> Iterator[Violation]:
    if event.version < was.version:
        yield Violation(
            event.at,
            f"{name} was at version {was.version} and is at {event.version}, but the log holds"
            f" events of version {was.version}. Set version={was.version + 1}.",
        )
    for version in range(was.version, event.version):
        if version not in event.upcasts:
            yield Violation(
                event.at,
                f"{name} is at version {event.version}, but no upcaster turns data of version"
                f' {version} into the next. Write an upcaster: @carveout.upcast("{name}",'
                f" version={version}).",
            )


def _judge_key(
    was: str, now: str, name: str, at: str, concerns: Sequence[Concern]
) -> Iterator[Violation]:
    text = f"the key of {name} was {was} and is {now}"
    for each in concerns:
        yield Violation(each.at, f"{each.who}; {text}.")
    if not concerns:
        yield Violation(at, f"{text}; nothing depends on it.", is_error=False)
