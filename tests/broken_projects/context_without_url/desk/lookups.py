"""A reader of what a context elsewhere offers."""

import carveout


class Box(carveout.Lookup, of="depot.box"):
    """A box in the depot."""

    number: str
