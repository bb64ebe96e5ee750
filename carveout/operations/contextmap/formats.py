"""Writes the map as text, as JSON, as a Mermaid flowchart or as an AsyncAPI document."""

from collections.abc import Callable, Iterator

import msgspec

from carveout.contracts.contract import Contracts, label
from carveout.operations.contextmap.asyncapi import as_asyncapi
from carveout.operations.contextmap.context_map import ContextMap, MappedEvent, MappedLookup
from carveout.operations.contextmap.glimpse import of_event, of_hearing, of_reader, of_subscription


def as_json(drawn: ContextMap) -> str:
    return msgspec.json.format(msgspec.json.encode(drawn), indent=2).decode()


def as_text(drawn: ContextMap) -> str:
    """Lists for each context its events and their subscribers, its lookups and their readers."""
    return "\n".join(_text(drawn))


def as_mermaid(drawn: ContextMap) -> str:
    """Draws events as solid arrows, lookups as dotted ones. Source: https://mermaid.js.org"""
    return "\n".join(["flowchart LR", *_mermaid(drawn)])


FORMATS: dict[str, Callable[[ContextMap, Contracts], str]] = {
    "text": lambda drawn, _: as_text(drawn),
    "json": lambda drawn, _: as_json(drawn),
    "mermaid": lambda drawn, _: as_mermaid(drawn),
    "asyncapi": lambda _, contracts: as_asyncapi(contracts),
}


def _text(drawn: ContextMap) -> Iterator[str]:
    for context in drawn.contexts:
        where = "" if context.hosted else ", not hosted here"
        yield f"{context.name}{where}" + ("" if context.known else ", contract not known")
        for event in drawn.events:
            if event.publisher == context.name:
                yield from _event_text(event, drawn, context.known)
        for lookup in drawn.lookups:
            if lookup.owner == context.name:
                yield from _lookup_text(lookup, drawn, context.known)
        for subscription in drawn.subscriptions:
            seen = of_subscription(subscription.name, drawn.observed)
            if subscription.context == context.name and seen:
                yield f"  subscribes with {label(subscription.name)}{seen}  {subscription.at}"
        yield ""


def _event_text(event: MappedEvent, drawn: ContextMap, known: bool) -> Iterator[str]:
    carries = f", carries {event.carries}" if event.carries else ""
    seen = of_event(event.type, drawn.observed)
    yield f"  publishes {label(event.type)}{carries}{seen}  {_where(event.at, known)}"
    if not event.heard_by:
        yield "    nobody subscribes to it"
    for subscription in drawn.subscriptions:
        if subscription.name in event.heard_by:
            asks = ", ".join(map(label, subscription.asks))
            asking = f", asks for {asks}" if asks else ""
            line = f"    → {subscription.name} via {subscription.via}{asking}"
            seen = of_hearing(subscription.name, event.type, drawn.observed)
            yield f"{line}{seen}  {subscription.at}"


def _where(at: str, known: bool) -> str:
    return at or ("not declared" if known else "location not known")


def _lookup_text(lookup: MappedLookup, drawn: ContextMap, known: bool) -> Iterator[str]:
    key = f" by {lookup.key}" if lookup.key else ""
    yield f"  offers {label(lookup.name)}{key}  {_where(lookup.at, known)}"
    if not lookup.read_by:
        yield "    nobody reads it"
    for reader in lookup.read_by:
        fields = ", ".join(reader.named)
        seen = of_reader(reader.context, lookup.name, drawn.observed)
        yield f"    ← {reader.context}: {label(reader.name)} reads {fields}{seen}  {reader.at}"
        if reader.asked_by:
            yield f"      for {', '.join(reader.asked_by)}"


def _mermaid(drawn: ContextMap) -> Iterator[str]:
    for context in drawn.contexts:
        lines = [context.name]
        for each in drawn.subscriptions:
            seen = of_subscription(each.name, drawn.observed)
            if each.context == context.name and seen:
                lines.append(f"{label(each.name)}{seen}")
        yield f'  context_{context.name}["{"<br>".join(lines)}"]'
    context_of = {each.name: each.context for each in drawn.subscriptions}
    via = {each.name: each.via for each in drawn.subscriptions}
    for event in drawn.events:
        node = f"event_{event.type.replace('.', '_')}"
        yield f'  {node}(["{label(event.type)}"])'
        yield f"  context_{event.publisher} --> {node}"
        for name in event.heard_by:
            job = ", a job" if via[name] == "rq" else ""
            seen = of_hearing(name, event.type, drawn.observed)
            yield f'  {node} -- "{label(name)}{job}{seen}" --> context_{context_of[name]}'
    for lookup in drawn.lookups:
        for reader in lookup.read_by:
            text = f"{label(lookup.name)}: {', '.join(reader.named)}"
            yield f'  context_{reader.context} -. "{text}" .-> context_{lookup.owner}'
