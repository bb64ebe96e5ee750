"""A story as text, for terminals."""

from collections.abc import Iterator, Sequence

from carveout.story.tree import Node, Stories, Story


def written(stories: Stories) -> str:
    """What `manage.py story` prints."""
    lines = [line for each in stories.stories for line in (*_lines(each), "")]
    if not stories.stories:
        lines.append(f"Nothing is known of {stories.query!r}: no event, no key, no correlation id.")
    lines += [f"{name} did not answer: {why}" for name, why in stories.silent.items()]
    return "\n".join(lines).rstrip()


def headline(story: Story) -> str:
    """How long a story is, in a line."""
    events = "1 event" if story.events == 1 else f"{story.events} events"
    more = " and more" if story.cut else ""
    return f"{events}{more} in {story.took}"


def _lines(story: Story) -> Iterator[str]:
    yield f"Story {story.correlation_id}, {story.began_at:%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"
    yield f"{story.state}: {headline(story)}"
    for node in story.nodes:
        yield _line(node)
        yield from _below(node.children, "")


def _below(nodes: Sequence[Node], indent: str) -> Iterator[str]:
    for place, node in enumerate(nodes, 1):
        last = place == len(nodes)
        yield f"{indent}{'└─' if last else '├─'} {_line(node)}"
        yield from _below(node.children, indent + ("   " if last else "│  "))


def _line(node: Node) -> str:
    took = f"took {node.took}" if node.took else ""
    text = f"{node.text} {node.due:%H:%M:%S} UTC" if node.due else node.text
    said = [node.state, node.after, took, text, node.error.partition("\n")[0]]
    title = f"{node.title}: " if node.title else ""
    return title + ", ".join(each for each in said if each)
