"""consume_…_vs_naive, _edx, _celery, _rq: one row for an event, ours to others."""

from collections.abc import Callable

from bench import peers
from bench.backlog import consumer, drain, prepare, rewind
from bench.rounds import Answer, Scale, Taken, in_turns, timed
from bench.side import Side

EVENTS = 5_000
CONTEXTS = {"each": "single", "batch": "bulk"}
EVENTS_OF_PEERS = {
    "naive": 500,
    "edx": 1_000,
    "celery": 500,
    "rq": 400,
    "procrastinate": 300,
    "faststream": 1_000,
    "faststream_batch": 5_000,
}
"""Each of them is busy for some seconds."""


def measure(keys: list[str], quick: bool) -> dict[str, Answer]:
    pairs = {key: key.removeprefix("consume_").split("_vs_") for key in keys}
    mine = {ours for ours, _ in pairs.values()}
    taken = _taken({*mine, *(theirs for _, theirs in pairs.values())}, quick)
    return {key: taken.rates(*pair) for key, pair in pairs.items() if pair[1] in taken}


def survey(quick: bool) -> dict[str, Answer]:
    """Everybody's rate, to ours with one event at a time."""
    taken = _taken({*CONTEXTS, *EVENTS_OF_PEERS}, quick)
    return {name: taken.rates(name, "each") for name in taken}


def _taken(names: set[str], quick: bool) -> Taken:
    scale = Scale(quick)
    count = scale.of(EVENTS)
    prepare(count)
    ways = {name: _ours(CONTEXTS[name], count) for name in CONTEXTS if name in names}
    theirs = [name for name in EVENTS_OF_PEERS if name in names]
    with peers.running(theirs) as sides:
        for name, side in sides.items():
            ways[name] = _theirs(side, scale.of(EVENTS_OF_PEERS[name]))
        return in_turns(scale, ways, "consume_peers")


def _theirs(side: Side, count: int) -> Callable[[], float]:
    return lambda: side.call("run", count)


def _ours(context: str, count: int) -> Callable[[], float]:
    ours = consumer(context)

    def consume() -> float:
        rewind(context)
        return timed(lambda: drain(ours), count)

    return consume
