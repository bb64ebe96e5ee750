"""The two processes between a publish and a handler, run until nothing is left."""

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
