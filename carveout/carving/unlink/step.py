"""A relation, and the step that comes next on its way."""

from dataclasses import dataclass, field

from carveout.carving.carve.planned import Planned
from carveout.carving.unlink.id_field import IdField
from carveout.carving.unlink.own_copy import OwnCopy
from carveout.carving.unlink.owner_files import DeletedEvent
from carveout.carving.unlink.relation import Relation
from carveout.carving.unlink.uses import Use

ANNOUNCE, FOLLOW, UNLINK = 1, 2, 3
KEEP = "KEEP"
ACTIONS = {
    "cascade": "CASCADE",
    "set-null": "SET_NULL",
    "set-default": "SET_DEFAULT",
    "keep": KEEP,
}
"""What becomes of rows whose other row is deleted, by the option's value."""


@dataclass(kw_only=True)
class Unlinked(Planned):
    """A relation, and the step that comes next."""

    relation: Relation
    becomes: IdField
    action: str
    """One of `ACTIONS`' values; empty if it has to be decided."""
    deletion: DeletedEvent | None = None
    copy: OwnCopy | None = None
    """The own copy that the relation will lead to; None: it becomes an id."""
    step: int = UNLINK
    uses: list[Use] = field(default_factory=list)
    edited: set[Use] = field(default_factory=set)
    """The uses that this step changes."""
    rows: tuple[int, int] | None = None
    """How many there are, and how many without an id; None: the database did not answer."""
