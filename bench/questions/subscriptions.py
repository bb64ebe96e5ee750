"""subscriptions_4, subscriptions_16: time per pair of event and subscription, where a context has
so many batch handlers for each event, to one with a single one.

An event is read and decoded once, whatever the number of its subscriptions.
"""

from collections.abc import Callable

from bench.backlog import consumer, drain, heard, prepare, rewind
from bench.rounds import Answer, Scale, in_turns, timed

EVENTS = 4_000
CONTEXTS = {1: "bulk", 4: "four", 16: "sixteen"}


def measure(keys: list[str], quick: bool) -> dict[str, Answer]:
    scale = Scale(quick)
    wanted = {int(key.removeprefix("subscriptions_")): key for key in keys}
    count = scale.of(EVENTS)
    prepare(count)
    ways = {str(number): _way(number, count) for number in (1, *wanted)}
    taken = in_turns(scale, ways, "subscriptions")
    return {key: taken.times(str(number), "1") for number, key in wanted.items()}


def _way(number: int, count: int) -> Callable[[], float]:
    context, pairs = CONTEXTS[number], number * count
    ours = consumer(context)

    def consume() -> float:
        rewind(context)
        seconds = timed(lambda: drain(ours), pairs)
        assert heard(context) == pairs
        return seconds

    return consume
