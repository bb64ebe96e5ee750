"""Breaches: changes to what a context announces and offers, and whose needs they break."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from carveout.contracts import schema
from carveout.contracts.change import Change, changes, demanded
from carveout.contracts.contract import Contracts, EventType, Offer, hears, reads
from carveout.contracts.needs import unmet
from carveout.remark import Remark


class Concern(NamedTuple):
    """Who depends on something, and the types that it declares for it, if it does."""

    at: str
    who: str
    wanted: frozenset[str] = frozenset()


def breaches(now: Contracts, before: Contracts) -> Iterator[Remark]:
    """What nobody gives any more, what changed its type, and as notices what nobody misses.

    now: every contract that is known. before: those that were stored, of the contexts hosted here.
    """
    yield from unmet(now)
    for context, stored in before.items():
        for name, event in stored.events.items():
            yield from _event_breaches(name, event, now[context].events.get(name), now)
        for name, offer in stored.lookups.items():
            yield from _lookup_breaches(name, offer, now[context].lookups.get(name), now)


def _event_breaches(
    name: str, was: EventType, event: EventType | None, now: Contracts
) -> Iterator[Remark]:
    """Whoever hears an event is taken to need all of its fields: a handler does not name them.

    With a new version the change is meant, and they are told as a notice.
    """
    heard = [each for each in hears(now) if each.type == name]
    if event is None:
        if not heard:  # else it is an unmet need
            yield Remark(was.at, f"{name} is gone; nobody hears it.", broken=False)
        return
    concerns = [Concern(each.hearing.at, f"{each.subscription} hears {name}") for each in heard]
    changed = list(changes(was, event))
    meant = f" since version {event.version}" if event.version > was.version else ""
    for change in changed:
        yield from _judge(change, f"{name}.{change.path}", event.at, concerns, meant)
    if event.version == was.version:
        yield from _judge_age(name, changed, list(demanded(was, event)), event, heard=bool(heard))
    else:
        yield from _judge_version(name, was, event)
    if was.key != event.key:
        yield from _judge_key(was.key, event.key, name, event.at, concerns)


def _lookup_breaches(
    name: str, was: Offer, offer: Offer | None, now: Contracts
) -> Iterator[Remark]:
    readers = [each for each in reads(now) if each.lookup == name]
    if offer is None:
        if not readers:
            yield Remark(was.at, f"{name} is gone; nobody reads it.", broken=False)
        return
    for change in changes(was, offer):
        concerns = [
            Concern(field.at, f"{each.label}.{change.path}", schema.untold(field.type))
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
) -> Iterator[Remark]:
    broken = [each for each in concerns if not change.suits(each.wanted)]
    for each in broken:
        yield Remark(each.at, f"{each.who}; {what} {change.text}{meant}.", broken=not meant)
    if not broken:
        reason = "that suits all who read it" if concerns else "nobody reads it"
        yield Remark(at, f"{what} {change.text}; {reason}.", broken=False)


def _judge_age(
    name: str, changed: Sequence[Change], new: Sequence[str], event: EventType, *, heard: bool
) -> Iterator[Remark]:
    """The log holds events of before, and their version does not tell them from those to come."""
    found = [f"{each.path} {each.text}" for each in changed if not each.suits()]
    found += [f"{path} is new and older events lack it" for path in new]
    if found and heard:
        yield Remark(
            event.at,
            f"{name} changed ({', '.join(found)}) and is still at version {event.version}. Say"
            f" version={event.version + 1} and write an upcaster:"
            f' @carveout.upcast("{name}", version={event.version}).',
        )
    elif new:
        text = f"{name}: older events lack the new {', '.join(new)}; nobody hears it."
        yield Remark(event.at, text, broken=False)


def _judge_version(name: str, was: EventType, event: EventType) -> Iterator[Remark]:
    if event.version < was.version:
        yield Remark(
            event.at,
            f"{name} was at version {was.version} and is at {event.version}, but the log holds"
            f" events of version {was.version}. Say version={was.version + 1}.",
        )
    for version in range(was.version, event.version):
        if version not in event.upcasts:
            yield Remark(
                event.at,
                f"{name} is at version {event.version}, and nothing turns data of version {version}"
                f' into the next. Write an upcaster: @carveout.upcast("{name}",'
                f" version={version}).",
            )


def _judge_key(
    was: str, now: str, name: str, at: str, concerns: Sequence[Concern]
) -> Iterator[Remark]:
    text = f"the key of {name} was {was} and is {now}"
    for each in concerns:
        yield Remark(each.at, f"{each.who}; {text}.")
    if not concerns:
        yield Remark(at, f"{text}; nobody depends on it.", broken=False)
