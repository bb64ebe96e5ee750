"""Subscribes what compares: for each seam one subscription to the events of the mode `shadow`."""

from collections.abc import Callable

from carveout.conf import get_settings
from carveout.seams import comparison
from carveout.seams.shadow import MARK
from carveout.seams.unhandled import subscriptions_of
from carveout.subscriptions.subscription import SHADOW, Subscription, registry

TIME_LIMIT_S = 120.0
"""Of a comparison: it may run each handler twice, and each has its own limit."""


def declare_hosted() -> None:
    """Declare one for each seam of the contexts hosted here."""
    seams = {seam for each in registry.values() for seam in each.seams if seam}
    for seam in sorted(seams):
        context = seam.partition(".")[0]
        if not seam.startswith(MARK) and get_settings().hosts(context):
            declare(seam)


def declare(seam: str) -> Subscription:
    """Declare the subscription that compares the events of a seam with its calls."""
    twin = Subscription(
        name=seam + SHADOW,
        context=seam.partition(".")[0],
        types=frozenset(type_ for each in subscriptions_of(seam) for type_ in each.types),
        handler=_handler(seam),
        start="now",
        replayable=False,
        time_limit_s=TIME_LIMIT_S,
        seams=(MARK + seam,),
    )
    registry[twin.name] = twin
    return twin


def _handler(seam: str) -> Callable[..., object]:
    def compare(event):  # type: ignore[no-untyped-def]
        comparison.run(registry[seam + SHADOW], seam, event)

    compare.__doc__ = f"Compare what the event of {seam} does with what its call did."
    return compare
