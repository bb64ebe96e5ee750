"""Needs: what contexts want of each other, and nobody gives."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from carveout.conf import get_settings
from carveout.contracts import schema
from carveout.contracts.contract import Contracts, Heard, Read, hears, reads
from carveout.remark import Remark


def unmet(contracts: Contracts) -> Iterator[Remark]:
    """Events that nobody announces; lookups and fields that nobody offers.

    Of a context that is not hosted here and has no contract nothing is known: a notice says so.
    """
    for heard in hears(contracts):
        yield from _unmet_event(heard, contracts)
    for read in reads(contracts):
        yield from _unmet_lookup(read, contracts)
        yield from _unmet_keys(read, contracts)


def missing(read: Read, offered: schema.Fields) -> Iterator[str]:
    """The paths that a reader names and the lookup does not have, without what lies below them."""
    gone: list[str] = []
    for path, field in sorted(read.reader.fields.items()):
        if not below(path, gone) and schema.find(offered, path) is None:
            gone.append(path)
            if not field.optional:
                yield path


def below(path: str, paths: list[str]) -> bool:
    return any(path.startswith((f"{each}.", f"{each}[")) for each in paths)


def askers(read: Read, contracts: Contracts) -> list[Heard]:
    """Where a handler asks for this reader: once for each event that it hears."""
    own = {read.context: contracts[read.context]}
    return [heard for heard in hears(own) if read.name in heard.hearing.asks]


def _unmet_event(heard: Heard, contracts: Contracts) -> Iterator[Remark]:
    who = f"{heard.subscription} hears {heard.type}"
    if heard.owner not in contracts:
        yield _unknown(heard.owner, heard.hearing.at, who)
    elif heard.type not in contracts[heard.owner].events:
        hint = _suggest(heard.type, contracts[heard.owner].events)
        yield Remark(heard.hearing.at, f"{who}, which {heard.owner} does not announce.{hint}")


def _unmet_lookup(read: Read, contracts: Contracts) -> Iterator[Remark]:
    who = f"{read.label} reads {read.lookup}"
    if read.owner not in contracts:
        yield _unknown(read.owner, read.reader.at, who)
        return
    offer = contracts[read.owner].lookups.get(read.lookup)
    if offer is None:
        hint = _suggest(read.lookup, contracts[read.owner].lookups)
        yield Remark(read.reader.at, f"{who}, which {read.owner} does not offer.{hint}")
        return
    offered = schema.fields_of(offer.schema)
    names = [path for path in offered if not path.endswith(schema.EACH)]
    for path in missing(read, offered):
        text = f"{read.label}.{path} reads a field that {read.lookup} does not offer."
        yield Remark(read.reader.fields[path].at, text + _suggest(path, names))


def _unmet_keys(read: Read, contracts: Contracts) -> Iterator[Remark]:
    """Events without the field that holds the key of what their handler looks up."""
    for heard in askers(read, contracts) if read.reader.by else ():
        owner = contracts.get(heard.owner)
        if owner is None or heard.type not in owner.events:
            continue  # that is told already
        fields = schema.fields_of(owner.events[heard.type].schema)
        if read.reader.by not in fields:
            yield Remark(
                read.reader.at,
                f"{read.label} is looked up by {read.reader.by!r}, which {heard.type} does not"
                f" have; {heard.subscription} hears it.{_suggest(read.reader.by, fields)}",
            )


def _unknown(owner: str, at: str, who: str) -> Remark:
    contexts = get_settings().contexts
    if owner not in contexts:
        return Remark(at, f"{who}, but no context is named {owner!r}.{_suggest(owner, contexts)}")
    text = f"{who}; {owner} is not hosted here and its contract is missing."
    return Remark(at, text, broken=False)


def _suggest(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), n=1, cutoff=0.75)
    return f" Did you mean {close[0]!r}?" if close else ""
