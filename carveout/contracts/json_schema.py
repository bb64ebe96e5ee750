"""Flattens JSON Schemas: each field by its path, with the types that it may have.

A path goes through objects with dots and into lists with brackets: `lines[].price`. A type is
that of JSON with its format, if it has one: `string date-time`.
"""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

Fields = dict[str, frozenset[str]]

ANY = "any"
EACH, EVERY = "[]", "*"
"""The items of a list, and the values of an object that is used as a mapping."""
JSON_TYPES = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
    list: "array",
    dict: "object",
}


def of_type(type_: type) -> dict[str, Any]:
    """The schema of a struct, the same on every Python. A type that JSON lacks becomes `any`."""
    found = msgspec.json.schema(type_, schema_hook=lambda cls: {"title": cls.__name__})
    for each in found.get("$defs", {}).values():
        if "description" in each:
            each["description"] = inspect.cleandoc(each["description"])
    return found


def fields_of(schema: Mapping[str, Any]) -> Fields:
    """The fields of an object's schema, and those of the objects in it."""
    found: dict[str, set[str]] = {}
    for path, node in _walk(schema, "", schema.get("$defs", {}), ()):
        found.setdefault(path, set()).update(_types(node))
    del found[""]
    return {path: frozenset(types) for path, types in found.items()}


def required_of(schema: Mapping[str, Any]) -> set[str]:
    """The paths of required fields."""
    nodes = _walk(schema, "", schema.get("$defs", {}), ())
    return {_join(path, name) for path, node in nodes for name in node.get("required", ())}


def find(fields: Fields, path: str) -> frozenset[str] | None:
    """The types of a field; None if the path does not exist. Any path below `any` exists."""
    at, types = "", frozenset({"object"})
    for step in path.replace(EACH, f".{EACH}").split("."):
        if ANY in types:
            return frozenset({ANY})
        paths = [
            path_there for path_there in (_join(at, step), _join(at, EVERY)) if path_there in fields
        ]
        if paths:
            at, types = paths[0], fields[paths[0]]
        elif step == EVERY and "object" in types:
            return frozenset({ANY})
        else:
            return None
    return types


def fits(types: frozenset[str], wanted: frozenset[str]) -> bool:
    """Whether a reader that expects `wanted` can take all of `types`."""
    return ANY in wanted or all(_fits(each, wanted) for each in types)


def format_types(types: frozenset[str]) -> str:
    return " or ".join(sorted(types, key=lambda each: (each == "null", each)))


def parse_types(text: str) -> frozenset[str]:
    """The types in the text of `format_types`."""
    return frozenset(text.split(" or "))


def _fits(one: str, wanted: frozenset[str]) -> bool:
    plain = one.split(" ")[0]
    return one in wanted or plain in wanted or (plain == "integer" and "number" in wanted)


def _join(path: str, step: str) -> str:
    return path + step if step == EACH or not path else f"{path}.{step}"


def _walk(
    node: Mapping[str, Any], path: str, definitions: Mapping[str, Any], inside: tuple[str, ...]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each path with its possible schema, repeated for several alternatives.

    inside: the definitions that this node is a part of; one in itself is not entered again.
    """
    alternatives = node.get("anyOf") or node.get("oneOf") or ()
    if "$ref" in node:
        name = node["$ref"].rsplit("/", 1)[-1]
        if name in inside:
            yield path, {"type": "object"}
        else:
            yield from _walk(definitions[name], path, definitions, (*inside, name))
    elif alternatives:
        for each in alternatives:
            yield from _walk(each, path, definitions, inside)
    else:
        yield path, node
        for step, child in _children(node):
            yield from _walk(child, _join(path, step), definitions, inside)


def _types(node: Mapping[str, Any]) -> Iterator[str]:
    if "type" in node:
        declared = node["type"]
        for each in [declared] if isinstance(declared, str) else declared:
            yield f"{each} {node['format']}" if "format" in node and each != "null" else each
    elif "enum" in node or "const" in node:
        for value in node.get("enum", [node.get("const")]):
            yield JSON_TYPES[type(value)]
    else:
        yield ANY


def _children(node: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from node.get("properties", {}).items()
    for step, name in ((EACH, "items"), (EVERY, "additionalProperties")):
        if isinstance(node.get(name), Mapping):
            yield step, node[name]
