"""Writes a story as text, for terminals."""

from collections.abc import Iterator, Sequence

from carveout.operations.story.tree import Stories, StoryNode, StoryTree


def written(stories: Stories) -> str:
    """What `manage.py story` prints."""
    lines = [line for each in stories.stories for line in (*_lines(each), "")]
    if not stories.stories:
        lines.append(f"Nothing found for {stories.query!r}: no event id, key or correlation id.")
    lines += [f"{name} did not answer: {why}" for name, why in stories.unreachable.items()]
    return "\n".join(lines).rstrip()


def headline(story: StoryTree) -> str:
    """The number of events and the duration, in a line."""
    events = "1 event" if story.events == 1 else f"{story.events} events"
    more = " and more" if story.cut else ""
    return f"{events}{more} in {story.took}"


def _lines(story: StoryTree) -> Iterator[str]:
    yield f"Story {story.correlation_id}, {story.began_at:%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"
    yield f"{story.state}: {headline(story)}"
    for node in story.nodes:
        yield _line(node)
        yield from _below(node.children, "")


def _below(nodes: Sequence[StoryNode], indent: str) -> Iterator[str]:
    for number, node in enumerate(nodes, 1):
        last = number == len(nodes)
        yield f"{indent}{'└─' if last else '├─'} {_line(node)}"
        yield from _below(node.children, indent + ("   " if last else "│  "))


def _line(node: StoryNode) -> str:
    took = f"took {node.took}" if node.took else ""
    text = f"{node.text} {node.due:%H:%M:%S} UTC" if node.due else node.text
    parts = [node.state, node.after, took, text, node.error.partition("\n")[0]]
    title = f"{node.title}: " if node.title else ""
    return title + ", ".join(each for each in parts if each)
