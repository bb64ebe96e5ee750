"""The effects of a piece of code, as they were recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

Values = Mapping[str, Any]
"""The columns of a row, or the parts of a mail, job or request, as JSON has them."""


class RowImage(NamedTuple):
    """One change of one row."""

    table: str
    before: Values | None
    """None: it was inserted."""
    after: Values | None
    """None: it was deleted."""


@dataclass
class Outside:
    """What code did outside the database, in this order."""

    mails: list[Values] = field(default_factory=list)
    """`from`, `to`, `cc`, `bcc`, `reply_to`, `headers`, `subject`, `body`, `alternatives`,
    `attachments` (name, type and digest)."""
    jobs: list[Values] = field(default_factory=list)
    """`library` (rq, celery, django), `queue`, `function`, `args`, `kwargs`."""
    requests: list[Values] = field(default_factory=list)
    """Outgoing HTTP: `method`, `url`, `body`."""
    unrecordable: list[str] = field(default_factory=list)
    """What was done that nothing can record, as sentences."""

    def add(self, other: "Outside") -> None:
        """Append what was done later."""
        for each in fields(self):
            getattr(self, each.name).extend(getattr(other, each.name))


@dataclass(frozen=True)
class Effects:
    """All that a piece of code did. Published events are among the rows."""

    rows: Sequence[RowImage] = ()
    outside: Outside = field(default_factory=Outside)
