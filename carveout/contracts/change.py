"""Changes: what became of the fields of an event or a lookup since its contract was written."""

from collections.abc import Iterator
from typing import NamedTuple

from carveout.contracts import schema
from carveout.contracts.contract import EventType, Offer
from carveout.contracts.needs import below


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

    def suits(self, wanted: frozenset[str] = frozenset()) -> bool:
        """Does it fit what was there, or what the reader declares?"""
        return self.now is not None and schema.fits(self.now, self.was | wanted)


def changes(was: EventType | Offer, now: EventType | Offer) -> Iterator[Change]:
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


def demanded(was: EventType, now: EventType) -> Iterator[str]:
    """The paths of new fields that an event must have, and older events have not."""
    fields, required = schema.fields_of(was.schema), schema.required_of(now.schema)
    new: list[str] = []
    for path in sorted(schema.fields_of(now.schema)):
        if schema.find(fields, path) is None and not below(path, new):
            new.append(path)
            if path in required:
                yield path
