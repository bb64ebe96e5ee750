"""A reader, and after it the handler that says where both belong."""

import carveout


class TicketToRead(carveout.Lookup, of="depot.ticket"):
    number: str


@carveout.subscribe("desk.TicketOpened")
def write_back(event, ticket: TicketToRead): ...
