"""The admin's pages for operators: log, subscriptions, deliveries, stories and the map.

Each page has its own module, which registers it.
"""

from carveout.admin import (
    contextmap,
    cursors,
    deliveries,
    events,
    job_queues,
    own_copies,
    seams,
    story,
    subscriptions,
)

__all__ = [
    "contextmap",
    "cursors",
    "deliveries",
    "events",
    "job_queues",
    "own_copies",
    "seams",
    "story",
    "subscriptions",
]
