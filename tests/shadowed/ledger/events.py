"""What the ledger announces."""

import carveout


class Booked(carveout.Event, key="number"):
    """A line of a sale was booked."""

    number: str
    place: int
    amount: str
