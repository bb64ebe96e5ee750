"""A reader that is not among the readers."""

import carveout as kit


class BoxToFind(kit.Lookup, of="depot.box"):
    number: str
