"""Finds needs of contexts that no other context meets."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from carveout.conf import get_settings
from carveout.contracts import json_schema
from carveout.contracts.contract import Contracts, EventUse, LookupUse, event_uses, lookup_uses
from carveout.contracts.violation import Violation


def unmet(contracts: Contracts) -> Iterator[Violation]:
    """Events that no context publishes; lookups and fields that no context offers.

    A context that is not hosted here and has no contract is unknown: that is a notice.
    """
    for event_use in event_uses(contracts):
        yield from _unmet_event(event_use, contracts)
    for lookup_use in lookup_uses(contracts):
        yield from _unmet_lookup(lookup_use, contracts)
        yield from _unmet_keys(lookup_use, contracts)


def missing(lookup_use: LookupUse, offered: json_schema.Fields) -> Iterator[str]:
    """The paths of a reader that its lookup lacks, without paths below these."""
    gone: list[str] = []
    for path, field in sorted(lookup_use.reader.fields.items()):
        if not below(path, gone) and json_schema.find(offered, path) is None:
            gone.append(path)
            if not field.optional:
                yield path


def below(path: str, paths: list[str]) -> bool:
    return any(path.startswith((f"{each}.", f"{each}[")) for each in paths)


def event_uses_that_need(lookup_use: LookupUse, contracts: Contracts) -> list[EventUse]:
    """The handlers that need this reader, once for each event that they handle."""
    own = {lookup_use.context: contracts[lookup_use.context]}
    return [
        event_use for event_use in event_uses(own) if lookup_use.name in event_use.declared.asks
    ]


def _unmet_event(event_use: EventUse, contracts: Contracts) -> Iterator[Violation]:
    who = f"{event_use.subscription} handles {event_use.type}"
    if event_use.owner not in contracts:
        yield _unknown(event_use.owner, event_use.declared.at, who)
    elif event_use.type not in contracts[event_use.owner].events:
        hint = _suggest(event_use.type, contracts[event_use.owner].events)
        yield Violation(
            event_use.declared.at, f"{who}, which {event_use.owner} does not publish.{hint}"
        )


def _unmet_lookup(lookup_use: LookupUse, contracts: Contracts) -> Iterator[Violation]:
    who = f"{lookup_use.label} reads {lookup_use.lookup}"
    if lookup_use.owner not in contracts:
        yield _unknown(lookup_use.owner, lookup_use.reader.at, who)
        return
    offer = contracts[lookup_use.owner].lookups.get(lookup_use.lookup)
    if offer is None:
        hint = _suggest(lookup_use.lookup, contracts[lookup_use.owner].lookups)
        yield Violation(
            lookup_use.reader.at, f"{who}, which {lookup_use.owner} does not offer.{hint}"
        )
        return
    offered = json_schema.fields_of(offer.schema)
    names = [path for path in offered if not path.endswith(json_schema.EACH)]
    for path in missing(lookup_use, offered):
        text = f"{lookup_use.label}.{path} reads a field that {lookup_use.lookup} does not offer."
        yield Violation(lookup_use.reader.fields[path].at, text + _suggest(path, names))


def _unmet_keys(lookup_use: LookupUse, contracts: Contracts) -> Iterator[Violation]:
    """Find events without the field that holds the key for their handler's lookup."""
    for event_use in event_uses_that_need(lookup_use, contracts) if lookup_use.reader.by else ():
        owner = contracts.get(event_use.owner)
        if owner is None or event_use.type not in owner.events:
            continue  # already reported
        fields = json_schema.fields_of(owner.events[event_use.type].schema)
        if lookup_use.reader.by not in fields:
            yield Violation(
                lookup_use.reader.at,
                f"{lookup_use.label} is looked up by {lookup_use.reader.by!r}, which"
                f" {event_use.type} does not have; {event_use.subscription} handles it."
                f"{_suggest(lookup_use.reader.by, fields)}",
            )


def _unknown(owner: str, at: str, who: str) -> Violation:
    contexts = get_settings().contexts
    if owner not in contexts:
        return Violation(
            at, f"{who}, but no context is named {owner!r}.{_suggest(owner, contexts)}"
        )
    text = f"{who}; {owner} is not hosted here and its contract is missing."
    return Violation(at, text, is_error=False)


def _suggest(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), n=1, cutoff=0.75)
    return f" Did you mean {close[0]!r}?" if close else ""
