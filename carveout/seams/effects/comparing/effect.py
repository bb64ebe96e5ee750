"""One effect, reduced to what counts in a comparison."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from carveout.seams.effects.comparing.net_changes import Key, frozen
from carveout.seams.effects.comparing.rules import Clean, EqualIf, Rules
from carveout.seams.effects.comparing.time_windows import Clock
from carveout.seams.effects.effects import Values


@dataclass(eq=False, slots=True)
class Effect:
    """An inserted row, an event, a mail, a job or a request."""

    name: str
    """What it is, as shapes begin: its table, or such as `mail` or `job send_sms`."""
    raw: Values
    fields: dict[str, Any]
    """What counts, cleaned, and without times at which the code ran."""
    soft: dict[str, Any]
    """Values that a rule's `equal_if` compares; cleaned."""
    key: Key | None = None
    """The primary key of an inserted row."""
    links: dict[str, "Effect"] = field(default_factory=dict)
    """By column: the row inserted in the same effects that it refers to."""
    queue: Hashable = None
    """Effects with the same one have an order. None: no order counts."""
    label: str = ""
    """The same for rows that are each other's counterpart; set by the comparison."""

    def value(self, name: str) -> Any:
        """What is compared in a field. ABSENT: there is no such field."""
        if name in self.links:
            return Reference(self.links[name].label)
        return self.fields.get(name, ABSENT)


@dataclass(frozen=True)
class Reference:
    """A foreign key to a row that was inserted in the same effects."""

    label: str

    def __repr__(self) -> str:
        return f"⟨{self.label}⟩"


class Absent:
    """Where one side has a field that the other has not."""

    def __repr__(self) -> str:
        return "(absent)"


ABSENT = Absent()


class FieldRules(NamedTuple):
    """The rules that match the shape of one field."""

    ignored: bool
    cleaners: list[Clean]
    equal_if: EqualIf | None


class Treatment:
    """Applies rules and the clock to the fields of effects."""

    def __init__(self, rules: Rules, clock: Clock) -> None:
        self._rules, self._clock = rules, clock
        self._known: dict[tuple[str, str], FieldRules] = {}

    def of(self, name: str, column: str) -> FieldRules:
        """The rules for a field of an effect of this name."""
        found = self._known.get((name, column))
        if found is None:
            shape = f"{name}.{column}"
            rules = self._rules
            found = FieldRules(rules.ignores(shape), rules.cleaners(shape), rules.equality(shape))
            self._known[name, column] = found
        return found

    def effect(self, name: str, raw: Values, fields: Mapping[str, Any]) -> Effect:
        hard, soft = {}, {}
        for column, value in fields.items():
            rules = self._known.get((name, column)) or self.of(name, column)
            if rules.ignored:
                continue
            for clean in rules.cleaners:
                value = clean(value)
            if rules.equal_if:
                soft[column] = value
            else:
                hard[column] = self._clock.normal(value)
        return Effect(name, raw, hard, soft)

    def equal_if(self, name: str, column: str) -> EqualIf:
        """How the values of a soft field are compared. A field that one side lacks differs."""
        return partial(_equal_if_present, self.of(name, column).equal_if or _equal)


def _equal_if_present(equal_if: EqualIf, call: Any, event: Any) -> bool:
    return call is not ABSENT and event is not ABSENT and bool(equal_if(call, event))


def _equal(call: Any, event: Any) -> bool:
    return frozen(call) == frozen(event)
