"""The subscription that a command names."""

from django.core.management.base import CommandError

from carveout.subscription import Subscription, registry


def declared(name: str) -> Subscription:
    """Raises: CommandError: there is no such subscription here."""
    if name not in registry:
        known = ", ".join(sorted(registry)) or "none"
        raise CommandError(f"There is no subscription {name!r} here. There are: {known}.")
    return registry[name]
