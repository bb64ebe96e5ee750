"""Writes the map as a folder for EventCatalog: each context is a domain with one service.

Source: https://www.eventcatalog.dev/docs/development/getting-started/project-structure
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from carveout.contracts.contract import Contracts, EventType, Offer, event_uses, label, lookup_uses

FORMAT = "eventcatalog"
EVENT_BODY = '<SchemaViewer file="schema.json" title="Data" />\n\n<NodeGraph />'
GRAPH = "<NodeGraph />"


def write(contracts: Contracts, folder: Path) -> int:
    """Write the pages, replacing those of the same names. Returns: how many files."""
    count = 0
    for path, text in _files(contracts):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
        count += 1
    return count


def _files(contracts: Contracts) -> Iterator[tuple[Path, str]]:
    for context, contract in sorted(contracts.items()):
        domain = Path("domains", context)
        services = [{"id": context, "version": "1.0.0"}]
        yield domain / "index.mdx", _page(context, context, "", services=services)
        service = domain / "services" / context
        yield service / "index.mdx", _service(context, contracts)
        for name, event in sorted(contract.events.items()):
            yield from _message(service / "events" / name, name, event)
        for name, offer in sorted(contract.lookups.items()):
            yield from _message(service / "queries" / name, name, offer)


def _service(context: str, contracts: Contracts) -> str:
    """The service sends the events that it publishes and the queries that it makes."""
    sends = [{"id": name} for name in sorted(contracts[context].events)]
    sends += _each(
        lookup_use.lookup for lookup_use in lookup_uses(contracts) if lookup_use.context == context
    )
    receives = _each(
        event_use.type for event_use in event_uses(contracts) if event_use.context == context
    )
    receives += [{"id": name} for name in sorted(contracts[context].lookups)]
    return _page(context, context, "", sends=sends, receives=receives)


def _each(names: Iterator[str]) -> list[dict[str, str]]:
    return [{"id": name} for name in dict.fromkeys(names)]


def _message(folder: Path, name: str, declared: EventType | Offer) -> Iterator[tuple[Path, str]]:
    version = f"{getattr(declared, 'version', 1)}.0.0"
    more: dict[str, Any] = {"schemaPath": "schema.json", "x-at": declared.at}
    summary = _description(declared.schema)
    yield (
        folder / "index.mdx",
        _page(name, label(name), summary, EVENT_BODY, version=version, **more),
    )
    schema = msgspec.json.format(msgspec.json.encode(declared.schema), indent=2).decode()
    yield folder / "schema.json", schema + "\n"


def _description(schema: Mapping[str, Any]) -> str:
    """The description of the schema, or of the definition that it refers to."""
    definition = schema.get("$defs", {}).get(schema.get("$ref", "").rsplit("/", 1)[-1], {})
    return str(schema.get("description") or definition.get("description") or "")


def _page(
    name: str, title: str, summary: str, body: str = GRAPH, version: str = "1.0.0", **more: Any
) -> str:
    """Writes each value as JSON, which is also YAML, so that no text can break the page."""
    optional = {"summary": summary} if summary else {}
    front = {"id": name, "name": title, "version": version, **optional, **more}
    lines = [f"{key}: {msgspec.json.encode(value).decode()}" for key, value in front.items()]
    return "\n".join(["---", *lines, "---", "", body, ""])
