"""The admin: what operators see of the log, the subscriptions and the deliveries, and do about it.

Each page has a module of its own and registers itself.
"""

from carveout.admin import cursors, deliveries, log, maps, queues, stories, subscriptions

__all__ = ["cursors", "deliveries", "log", "maps", "queues", "stories", "subscriptions"]
