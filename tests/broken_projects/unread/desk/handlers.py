"""Nothing imports this."""

from carveout import Event, subscribe


@subscribe("desk.TicketOpened")
def file_ticket(event): ...


class TicketFiled(Event, key="number"):
    """Nobody knows of it."""

    number: str
