"""An event that is to carry what nobody offers."""

import carveout


class TicketOpened(carveout.Event, key="number", carries="desk.ticket"):
    """Somebody asked for help."""

    number: str
