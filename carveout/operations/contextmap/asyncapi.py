"""Writes the map as AsyncAPI 3.0: a channel per log, operations that publish and subscribe.

Source: https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from carveout.conf import get_settings
from carveout.contracts.contract import Contracts, EventType, EventUse, event_uses, label
from carveout.events.event import PartitionRef
from carveout.redis import keys

Document = dict[str, Any]

DEFINITIONS = "#/$defs/"
HEADERS: Document = {
    "type": "object",
    "description": "CloudEvents 1.0 attributes; each is a field of the stream's entry.",
    "required": ["specversion", "id", "source", "type", "subject", "time", "datacontenttype"],
    "properties": {
        "specversion": {"type": "string", "const": "1.0"},
        "id": {"type": "string", "format": "uuid"},
        "source": {"type": "string", "description": "A slash and the context that published it."},
        "type": {"type": "string"},
        "subject": {"type": "string", "description": "The event's key."},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"type": "string", "const": "application/json"},
        "correlationid": {"type": "string", "description": "That of the story's first event."},
        "causationid": {"type": "string", "description": "The event whose handler published it."},
        "traceparent": {"type": "string", "description": "W3C trace context."},
        "carries": {"type": "string", "description": "The lookup whose data the event has."},
        "carried": {"type": "string", "description": "The data of that lookup, as JSON."},
        "partition": {"type": "string", "description": "The event's partition number."},
    },
}


def as_asyncapi(contracts: Contracts) -> str:
    data = msgspec.json.encode(document(contracts))
    return msgspec.json.format(data, indent=2).decode()


def document(contracts: Contracts) -> Document:
    """Builds the document. An event that nobody declares is a message without a payload."""
    types = _types(contracts)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Events between contexts",
            "version": "1.0.0",
            "description": f"Generated from the contracts of {', '.join(sorted(contracts))}.",
        },
        "defaultContentType": "application/json",
        "channels": dict(_channels(types)),
        "operations": dict(_operations(contracts)),
        "components": {
            "messages": {name: _message(name, event) for name, event in types.items()},
            "schemas": {"cloudevent": HEADERS, **dict(_schemas(types))},
        },
    }


def _types(contracts: Contracts) -> dict[str, EventType | None]:
    handled: dict[str, EventType | None] = {each.type: None for each in event_uses(contracts)}
    declared = {name: event for of in contracts.values() for name, event in of.events.items()}
    return dict(sorted((handled | declared).items()))


def _channels(types: Mapping[str, EventType | None]) -> Iterator[tuple[str, Document]]:
    """Leaves the address empty: a stream's key has braces, which AsyncAPI takes for parameters."""
    for context in sorted({name.split(".")[0] for name in types}):
        ours = [name for name in types if name.split(".")[0] == context]
        yield (
            context,
            {
                "address": None,
                "title": f"The log of {context}",
                "description": f"Redis Streams with the events of {context}, in order per key.",
                "messages": {
                    label(name): {"$ref": f"#/components/messages/{name}"} for name in ours
                },
                "x-streams": _streams(context),
            },
        )


def _streams(context: str) -> list[str]:
    known = get_settings().contexts.get(context)
    partitions = range(known.partitions if known else 0)
    return [keys.stream(PartitionRef(context, number)) for number in partitions]


def _message(name: str, event: EventType | None) -> Document:
    message: Document = {
        "name": name,
        "title": label(name),
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/cloudevent"},
        "correlationId": {"location": "$message.header#/correlationid"},
    }
    if event:
        message["payload"] = {"$ref": f"#/components/schemas/{name}"}
        message["x-at"], message["x-key"] = event.at, event.key
        if event.carries:
            message["x-carries"] = event.carries
    return message


def _schemas(types: Mapping[str, EventType | None]) -> Iterator[tuple[str, Document]]:
    """Puts each schema's definitions beside it: a document has only one root to refer to."""
    for name, event in types.items():
        if event:
            given = {key: value for key, value in event.schema.items() if key != "$defs"}
            yield name, _moved(given, name)
            for definition, schema in event.schema.get("$defs", {}).items():
                yield f"{name}.{definition}", _moved(schema, name)


def _moved(node: Any, name: str) -> Any:
    if isinstance(node, list):
        return [_moved(each, name) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        key: f"#/components/schemas/{name}.{value.removeprefix(DEFINITIONS)}"
        if key == "$ref" and isinstance(value, str)
        else _moved(value, name)
        for key, value in node.items()
    }


def _operations(contracts: Contracts) -> Iterator[tuple[str, Document]]:
    for context, contract in sorted(contracts.items()):
        for name, event in sorted(contract.events.items()):
            send = _operation("send", context, [name])
            yield f"{name}.announce", {**send, "title": f"{context} publishes", "x-at": event.at}
    together: dict[tuple[str, str], list[EventUse]] = {}
    for each in event_uses(contracts):
        together.setdefault((each.subscription, each.owner), []).append(each)
    for (subscription, owner), uses in together.items():
        receive = _operation("receive", owner, [each.type for each in uses])
        title = {"title": f"{subscription} handles", "x-at": uses[0].declared.at}
        yield f"{subscription}.hears.{owner}", {**receive, **title, "x-via": uses[0].declared.via}


def _operation(action: str, channel: str, types: list[str]) -> Document:
    at = f"#/channels/{channel}"
    return {
        "action": action,
        "channel": {"$ref": at},
        "messages": [{"$ref": f"{at}/messages/{label(name)}"} for name in types],
    }
