"""The two processes between a publish and a handler, run until nothing is left."""

from collections.abc import Callable

from carveout.consumers.consumer import Consumer
from carveout.deliveries import store
from carveout.deliveries.attempt import attempt
from carveout.eventlog.relay import Relay
from carveout.management.workers import drain
from carveout.models import Delivery
from carveout.subscriptions.subscription import registry


def relay() -> int:
    return drain(Relay(["tickets"]))


def consume() -> int:
    return drain(Consumer(["desk"]))


def flow() -> None:
    """Let everything that was published arrive."""
    relay()
    consume()


def until(done: Callable[[], bool], runs: int = 200) -> None:
    """Consume again and again: deliveries are retried after a random moment."""
    for _ in range(runs):
        if done():
            return
        consume()
    raise AssertionError(f"not done after {runs} runs of the consumer")


def claim(row: Delivery) -> Delivery | None:
    """What a process does before it runs a delivery. Returns: it, unless it may not run now."""
    return row if store.claim(row, registry[row.subscription]) else None


def try_once(row: Delivery) -> None:
    """One attempt at a delivery, if it is still there."""
    for now in Delivery.objects.using("kit").filter(pk=row.pk):
        attempt(now, registry[now.subscription])
