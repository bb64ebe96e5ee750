"""An event whose key is none of its fields."""

import carveout


class TicketOpened(carveout.Event, key="numbr"):
    """Somebody asked for help."""

    number: str
