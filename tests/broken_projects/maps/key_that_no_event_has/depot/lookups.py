"""What the depot offers, and reads of the desk."""

import carveout


class Ticket(carveout.Lookup, of="desk.ticket", by="ticket_number"):
    """Of another context."""

    number: str
    weight: int
