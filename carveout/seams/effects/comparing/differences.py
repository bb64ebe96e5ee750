"""A difference between a call and its event, as people read it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import takewhile
from operator import eq
from typing import Any, NamedTuple

from carveout.seams.effects.comparing.pairs import PAIRED_MAX
from carveout.seams.effects.effects import Values

TEXT_MAX = 500
BEFORE_MAX = 100
"""So much of a text is shown before the first place where the two sides differ."""
NONE = ""


class Difference(NamedTuple):
    """What differs between the effects of a call and those of its event."""

    shape: str
    """Groups differences that are alike: it has no keys and no values."""
    call: str
    event: str


def difference(shape: str, call: Any, event: Any) -> Difference:
    """Shows both sides around the first place where they differ."""
    return Difference(shape, *excerpts(shown(call), shown(event)))


def missing(name: str, call: Values) -> Difference:
    """The event did not do what the call did."""
    return Difference(f"{name} missing", shown_parts(call)[:TEXT_MAX], NONE)


def extra(name: str, event: Values) -> Difference:
    """The event did what the call did not do."""
    return Difference(f"{name} extra", NONE, shown_parts(event)[:TEXT_MAX])


def compare_errors(call: str, event: str) -> list[Difference]:
    """Whether the call and the event's handlers raised alike. An empty text: it did not raise."""
    return [] if call == event else [difference("raised", call, event)]


def excerpts(call: str, event: str) -> tuple[str, str]:
    """Both texts, bounded, from a bit before their first difference."""
    equal = sum(1 for _ in takewhile(bool, map(eq, call, event)))
    longest = max(len(call), len(event))
    start = 0 if longest <= TEXT_MAX else max(0, min(equal - BEFORE_MAX, longest - TEXT_MAX))
    return _cut(call, start), _cut(event, start)


def _cut(text: str, start: int) -> str:
    begin = "…" if start and text else ""
    rest = TEXT_MAX - len(begin)
    end = "…" if len(text) > start + rest else ""
    return begin + text[start : start + rest - len(end)] + end


def shown(value: Any) -> str:
    """A value as people read it."""
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return "{" + shown_parts(value) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_quoted, value)) + "]"
    return repr(value)


def shown_parts(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {_quoted(value)}" for name, value in values.items())


def _quoted(value: Any) -> str:
    return repr(value) if isinstance(value, str) else shown(value)


def bounded(found: Iterable[Difference]) -> Iterator[Difference]:
    """At most 200 differences of a shape; the rest of them are counted in one."""
    seen: Counter[str] = Counter()
    for each in found:
        seen[each.shape] += 1
        if seen[each.shape] <= PAIRED_MAX:
            yield each
    for shape, count in seen.items():
        if count > PAIRED_MAX:
            more = f"… and {count - PAIRED_MAX:,} more"
            yield Difference(shape, more, more)
