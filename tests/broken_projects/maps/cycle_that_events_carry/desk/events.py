"""What the desk announces."""

import carveout


class TicketOpened(carveout.Event, key="number", carries="desk.ticket"):
    """Somebody asked for help."""

    number: str
