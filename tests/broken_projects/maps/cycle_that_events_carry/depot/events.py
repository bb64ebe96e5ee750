"""What the depot announces."""

import carveout


class BoxPacked(carveout.Event, key="number"):
    """A box is full."""

    number: str
