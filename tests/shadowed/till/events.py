"""What the till announces."""

import carveout


class Sold(carveout.Event, key="number"):
    """A sale was made."""

    number: str
