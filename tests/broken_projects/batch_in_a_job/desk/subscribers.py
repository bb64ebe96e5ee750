"""Options that exclude each other."""

import carveout


@carveout.subscribe("desk.TicketOpened", via="rq", batch=True)
def file_tickets(deliveries): ...
