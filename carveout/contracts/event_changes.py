"""Finds the changed fields of an event or lookup since its contract was written."""

from collections.abc import Iterator
from typing import NamedTuple

from carveout.contracts import json_schema
from carveout.contracts.contract import EventType, Offer
from carveout.contracts.needs import below


class Change(NamedTuple):
    """The change of one field."""

    path: str
    was: frozenset[str]
    now: frozenset[str] | None

    @property
    def text(self) -> str:
        if self.now is None:
            return "is gone"
        return (
            f"was {json_schema.format_types(self.was)} and is {json_schema.format_types(self.now)}"
        )

    def suits(self, wanted: frozenset[str] = frozenset()) -> bool:
        """Whether it fits its old types, or those that the reader declares."""
        return self.now is not None and json_schema.fits(self.now, self.was | wanted)


def changes(was: EventType | Offer, now: EventType | Offer) -> Iterator[Change]:
    """Removed fields and changed types; without fields below a removed one."""
    fields = json_schema.fields_of(now.schema)
    gone: list[str] = []
    for path, types in sorted(json_schema.fields_of(was.schema).items()):
        found = json_schema.find(fields, path)
        if found is None and not below(path, gone):
            gone.append(path)
            yield Change(path, types, None)
        elif found is not None and found != types:
            yield Change(path, types, found)


def demanded(was: EventType, now: EventType) -> Iterator[str]:
    """The paths of new required fields, which older events lack."""
    fields, required = json_schema.fields_of(was.schema), json_schema.required_of(now.schema)
    new: list[str] = []
    for path in sorted(json_schema.fields_of(now.schema)):
        if json_schema.find(fields, path) is None and not below(path, new):
            new.append(path)
            if path in required:
                yield path
