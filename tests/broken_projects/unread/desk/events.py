"""What the desk announces."""

import carveout


class TicketOpened(carveout.Event, key="number"):
    """Somebody asked for help."""

    number: str
