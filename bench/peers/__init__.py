"""Peers: what others do with the same work, each in a process of its own.

A module of a peer has `run(count)`, which returns the seconds per event that it took.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from bench.peers import environment
from bench.side import Side

SETTINGS = "bench.peers.settings"
OWN = {"naive"}
"""Needs nothing that we don't have."""


@contextmanager
def running(names: list[str], env: Mapping[str, str] | None = None) -> Iterator[dict[str, Side]]:
    """Yields: a side for each of these peers that is installed."""
    python = environment.python()
    with ExitStack() as stack:
        sides = {}
        for name in names:
            own = {} if name in OWN else {"python": python}
            if name in OWN or python:
                settings = {"PEER": name, **(env or {})}
                side = Side(f"bench.peers.{name}", SETTINGS, settings, **own)
                sides[name] = stack.enter_context(side)
        yield sides
