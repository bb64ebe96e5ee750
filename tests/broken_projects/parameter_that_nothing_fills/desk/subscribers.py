"""A handler that asks for what nobody brings."""

import carveout


@carveout.subscribe("desk.TicketOpened")
def file_ticket(event, ticket): ...
