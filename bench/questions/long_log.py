"""log_1m: from publish to handler with a million rows in the log, to ten thousand.
catch_up: a new subscriber that reads a million events of history, to one that follows the stream.

Of the million, catch_up reads a stretch in each round, from the beginning to the end of the log.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bench import servers
from bench.rounds import Answer, Scale, in_turns
from bench.side import Side

LONG, SHORT = 1_000_000, 10_000
EVENTS = 3_000
STRETCH = 15_000
STREAM_LENGTH = 20_000
"""Short, so that history is read from the log."""


def measure(keys: list[str], quick: bool) -> dict[str, Answer]:
    scale = Scale(quick)
    answers = {}
    with ExitStack() as stack:
        long = stack.enter_context(_log(scale.of(LONG), "1"))
        if "log_1m" in keys:
            short = stack.enter_context(_log(scale.of(SHORT), "2"))
            ways = {
                "long": lambda: long.call("follow", scale.of(EVENTS)),
                "short": lambda: short.call("follow", scale.of(EVENTS)),
            }
            answers["log_1m"] = in_turns(scale, ways, "log_1m").rates("long", "short")
        if "catch_up" in keys:
            stretch = scale.of(STRETCH)
            ways = {
                "history": lambda: long.call("catch_up", stretch),
                "live": lambda: long.call("live", stretch),
            }
            answers["catch_up"] = in_turns(scale, ways, "catch_up").rates("history", "live")
    return answers


@contextmanager
def _log(rows: int, redis_database: str) -> Iterator[Side]:
    """A side with a database of its own, with so many events in its log."""
    url = servers.new_database(os.environ["DATABASE_URL"])
    env = {
        "DATABASE_URL": url,
        "REDIS_URL": f"{os.environ['REDIS_URL'].rpartition('/')[0]}/{redis_database}",
        "STREAM_LENGTH": str(STREAM_LENGTH),
    }
    with Side("bench.long_log", "bench.project.settings", env) as side:
        side.call("fill", rows)
        yield side
    servers.drop_database(url)
