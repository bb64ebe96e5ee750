"""What earlier steps have put in place, as the engine tells it."""

from collections.abc import Callable
from typing import NamedTuple

from carveout.carving.unlink.relation import Relation


class Offered(NamedTuple):
    """A lookup of the owner that finds rows of the target."""

    name: str
    key: str
    fields: frozenset[str]


class CopyInPlace(NamedTuple):
    """The own copy of the target that a context has."""

    label: str
    fields: frozenset[str]
    subscription: str
    has_begun: bool
    is_filled: bool


class InPlace(NamedTuple):
    """How far a relation is on its way to an id."""

    at: str = ""
    """File and line where the target's table is announced; empty if it is not."""
    event: str = ""
    """The event of its deleted rows, such as `orders.OrderDeleted`; empty if it has none."""
    field: str = ""
    """The event's field that holds the id; empty if none does."""
    is_key: bool = False
    """That field is the event's key."""
    faults: tuple[str, ...] = ()
    """What is wrong with the triggers in the database."""
    lookups: frozenset[str] = frozenset()
    """All lookups that are offered here, such as `orders.order_id`."""
    announced: frozenset[str] = frozenset()
    """What of the target's rows is announced: `created`, `changed`, `deleted`."""
    watched: frozenset[str] = frozenset()
    """The target's fields whose change is announced."""
    events: tuple[str, ...] = ()
    """The events of its table."""
    offered: tuple[Offered, ...] = ()
    """The lookups that find rows of the target."""
    copy: CopyInPlace | None = None
    subscription: str = ""
    """What `carveout.follows` declared for the column; empty if nothing did."""
    has_begun: bool = False
    """The subscription has cursors in its database."""


Ask = Callable[[Relation], InPlace]
