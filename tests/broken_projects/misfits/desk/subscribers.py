"""A job, and nothing to run it."""

import carveout


@carveout.subscribe("desk.TicketOpened", via="rq")
def file_ticket(event): ...
