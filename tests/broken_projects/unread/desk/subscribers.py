"""A decorator without its @."""

import carveout

carveout.subscribe("desk.TicketOpened")


def answer_ticket(event): ...
