"""Draws a story on a time axis: a bar for each line, and attempts that ended alike as one line."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import groupby
from typing import NamedTuple

from carveout.deliveries.fingerprint import normalized_message
from carveout.operations.story.text import headline
from carveout.operations.story.tree import OPEN, StoryNode, StoryTree, duration

TICKS = 3
LEAST = timedelta(milliseconds=1)
"""The shortest axis."""
REPEATED = ("failed", "put off", "died")
"""What an attempt can end as, again and again."""


class Bar(NamedTuple):
    """Begin and width in percent of the axis, for an SVG. Without a width, it is a moment."""

    x: str
    width: str
    state: str


class Links(NamedTuple):
    """URLs of the page of what a line names, and of its delivery; empty where there is none."""

    page: str = ""
    delivery: str = ""


class Line(NamedTuple):
    """A line of the page. alike: the attempts that it stands for, if there are several."""

    node: StoryNode
    title: str
    bars: Sequence[Bar]
    links: Links
    children: Sequence["Line"] = ()
    alike: Sequence["Line"] = ()


class Waterfall:
    """A story with its axis, which ends now while the story is still running."""

    def __init__(self, story: StoryTree, links: Callable[[StoryNode], Links]) -> None:
        ended_at = max(story.ended_at, datetime.now(UTC)) if story.moving else story.ended_at
        self.story, self.links = story, links
        self.span = max(ended_at - story.began_at, LEAST)

    @property
    def headline(self) -> str:
        return headline(self.story)

    @property
    def ticks(self) -> list[str]:
        return [duration(self.span * number / TICKS) for number in range(TICKS + 1)]

    @cached_property
    def lines(self) -> list[Line]:
        return self._lines(self.story.nodes)

    @property
    def contexts(self) -> list[str]:
        """The contexts that published or handled something in it."""
        named = [each.title for each in self.story.walk() if each.event]
        return sorted({title.partition(".")[0] for title in named})

    def _lines(self, nodes: Iterable[StoryNode]) -> list[Line]:
        lines = []
        for kind, group in groupby(nodes, _ending):
            alike = [self._line(each) for each in group]
            lines += [_folded(alike)] if kind and len(alike) > 1 else alike
        return lines

    def _line(self, node: StoryNode) -> Line:
        children = self._lines(node.children)
        return Line(node, node.title, list(self._bars(node)), self.links(node), children)

    def _bars(self, node: StoryNode) -> Iterator[Bar]:
        if node.at is None:
            return
        left = self._percent(node.at - self.story.began_at)
        right = self._percent((node.until or node.at) - self.story.began_at)
        if node.state in OPEN:
            right = 100.0
        yield Bar(f"{left:.2f}%", f"{right - left:.2f}%" if right > left else "", node.state)

    def _percent(self, span: timedelta) -> float:
        """0 for what another machine's clock puts before the story."""
        return min(max(span / self.span * 100, 0.0), 100.0)


def _ending(node: StoryNode) -> tuple[str, str] | None:
    """How an attempt ended, the same for those that are shown as one line."""
    if node.kind != "step" or node.state not in REPEATED:
        return None
    return node.state, normalized_message(node.error)


def _folded(alike: Sequence[Line]) -> Line:
    first, last = alike[0].title, alike[-1].title.rpartition(" ")[2]
    title = f"{first.replace(' ', 's ')} to {last}"
    bars = [bar for each in alike for bar in each.bars]
    return Line(alike[0].node, title, bars, Links(), alike=alike)
