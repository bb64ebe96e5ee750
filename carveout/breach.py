"""Breaches: changes to what a context announces and offers, and whose needs they break."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from carveout import schema
from carveout.contract import Contracts, EventType, Offer, hears, reads
from carveout.needs import below, unmet
from carveout.remark import Remark


class Change(NamedTuple):
    """What became of one field."""

    path: str
    was: frozenset[str]
    now: frozenset[str] | None

    @property
    def text(self) -> str:
        if self.now is None:
            return "is gone"
        return f"was {schema.told(self.was)} and is {schema.told(self.now)}"

    def suits(self, wanted: frozenset[str]) -> bool:
        """Does it fit what was there, or what the reader declares?"""
        return self.now is not None and schema.fits(self.now, self.was | wanted)


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
    """Whoever hears an event is taken to need all of its fields: a handler does not name them."""
    heard = [each for each in hears(now) if each.type == name]
    if event is None:
        if not heard:  # else it is an unmet need
            yield Remark(was.at, f"{name} is gone; nobody hears it.", broken=False)
        return
    concerns = [Concern(each.hearing.at, f"{each.subscription} hears {name}") for each in heard]
    for change in _changes(was, event):
        yield from _judge(change, f"{name}.{change.path}", event.at, concerns)
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
    for change in _changes(was, offer):
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


def _judge(change: Change, what: str, at: str, concerns: Sequence[Concern]) -> Iterator[Remark]:
    broken = [each for each in concerns if not change.suits(each.wanted)]
    for each in broken:
        yield Remark(each.at, f"{each.who}; {what} {change.text}.")
    if not broken:
        reason = "that suits all who read it" if concerns else "nobody reads it"
        yield Remark(at, f"{what} {change.text}; {reason}.", broken=False)


def _judge_key(
    was: str, now: str, name: str, at: str, concerns: Sequence[Concern]
) -> Iterator[Remark]:
    text = f"the key of {name} was {was} and is {now}"
    for each in concerns:
        yield Remark(each.at, f"{each.who}; {text}.")
    if not concerns:
        yield Remark(at, f"{text}; nobody depends on it.", broken=False)


def _changes(was: EventType | Offer, now: EventType | Offer) -> Iterator[Change]:
    """What is gone or of another type; of what is gone, not what lay below it."""
    fields = schema.fields_of(now.schema)
    gone: list[str] = []
    for path, types in sorted(schema.fields_of(was.schema).items()):
        found = schema.find(fields, path)
        if found is None and not below(path, gone):
            gone.append(path)
            yield Change(path, types, None)
        elif found is not None and found != types:
            yield Change(path, types, found)
