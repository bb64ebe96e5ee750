"""What a carving would change."""

from dataclasses import dataclass, field

from carveout.carving.carve.arguments import EventPlan, Key, PassedRow
from carveout.carving.carve.callee import Callee
from carveout.carving.carve.fields import Fields
from carveout.carving.carve.planned import Planned
from carveout.carving.carve.problem import Problem


@dataclass
class PlannedLookup:
    """What the subscriber looks up of another context."""

    row: PassedRow
    reader: str
    fields: Fields
    name: str = ""

    @property
    def by(self) -> str:
        """The event's field with its key."""
        return self.row.field


@dataclass
class Carved(Planned):
    """What a carving would change."""

    callee: Callee
    key: Key
    plans: dict[str, EventPlan] = field(default_factory=dict)
    at_home: list[str] = field(default_factory=list)
    """Calls in the function's own context, which stay as they are."""
    receiver: str = ""
    """The receiver of a signal whose work is carved."""
    already: int = 0
    """Calls that are in a seam."""
    lookups: list[PlannedLookup] = field(default_factory=list)
    refused: list[Problem] = field(default_factory=list)
    """Calls that stay as they are."""
    notices: list[Problem] = field(default_factory=list)
