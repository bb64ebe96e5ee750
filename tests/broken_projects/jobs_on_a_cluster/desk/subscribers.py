"""A job, and no Redis that RQ can work on."""

import carveout


@carveout.subscribe("desk.TicketOpened", via="rq")
def file_ticket(event): ...
