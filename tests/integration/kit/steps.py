"""The two processes between a publish and a handler, run until nothing is left."""

from collections.abc import Callable

from carveout.consumer import Consumer
from carveout.relay import Relay
from carveout.worker import drain


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
