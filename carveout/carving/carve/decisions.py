"""What a person decides about a carving, on the command line or in a file that is committed."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from carveout.carving.carve.problem import CarveRefused


@dataclass(frozen=True)
class Decisions:
    function: str = ""
    """Its dotted name."""
    key: str = ""
    """A parameter, or a parameter and one of its fields: `order.number`."""
    event: str = ""
    """The event of the calls that have none of their own."""
    events: dict[str, str] = field(default_factory=dict)
    """Event types by the function that contains the call."""

    def event_at(self, module: str, scope: str, context: str) -> str:
        """The event of a call; empty if none was named. Another context's is no default."""
        for name in (f"{module}.{scope}", scope, scope.rpartition(".")[2]):
            if name in self.events:
                return self.events[name]
        return self.event if self.event.partition(".")[0] == context else ""


def from_options(function: str, events: Sequence[str], key: str) -> Decisions:
    """events: each `CONTEXT.Type`, or `FUNCTION=CONTEXT.Type` for the calls in one function.

    Raises: CarveRefused: one of them is not an event type.
    """
    found = Decisions(function, key)
    for each in events:
        where, equals, type_ = each.rpartition("=")
        context, dot, name = type_.partition(".")
        if not (dot and context.isidentifier() and name.isidentifier()):
            raise CarveRefused(
                f"--event {each!r} is not an event type. Write CONTEXT.Type, such as"
                " orders.OrderPlaced, or FUNCTION=CONTEXT.Type for the calls in one function."
            )
        if equals:
            found = replace(found, events={**found.events, where: type_})
        else:
            found = replace(found, event=type_)
    return found


def read(path: Path) -> Decisions:
    """Raises: CarveRefused: the file is not a recipe."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
        return Decisions(
            raw["function"],
            raw.get("key", ""),
            raw.get("event", ""),
            {str(name): str(each) for name, each in raw.get("events", {}).items()},
        )
    except (OSError, KeyError, AttributeError, tomllib.TOMLDecodeError) as error:
        raise CarveRefused(
            f"--recipe {path}: it is not a recipe ({error}). Name the function and its events"
            " once on the command line, and the recipe is written."
        ) from error


def merged(stored: Decisions, given: Decisions) -> Decisions:
    """What is given on the command line comes first."""
    return Decisions(
        given.function or stored.function,
        given.key or stored.key,
        given.event or stored.event,
        {**stored.events, **given.events},
    )


def write(decisions: Decisions, path: Path) -> None:
    lines = [f'function = "{decisions.function}"']
    lines += [f'key = "{decisions.key}"'] if decisions.key else []
    lines += [f'event = "{decisions.event}"'] if decisions.event else []
    if decisions.events:
        lines += ["", "[events]"]
        lines += [f'"{name}" = "{type_}"' for name, type_ in sorted(decisions.events.items())]
    path.write_text("\n".join(lines) + "\n", "utf-8")
