"""Stalls and who visits them: tables that their database announces, if a test wants that."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connections, models

import carveout
from carveout.eventlog.triggers import statements
from carveout.eventlog.triggers.announcement import Announcement, registry


class Stall(models.Model):
    """A stall in the foyer."""

    number = models.CharField(max_length=32, unique=True)
    title = models.CharField(max_length=100, default="")
    price = models.DecimalField(max_digits=8, decimal_places=2, default=Decimal(1))
    is_open = models.BooleanField(default=True)
    opened_at = models.DateTimeField(null=True)
    day = models.DateField(null=True)
    reference = models.UUIDField(null=True)
    rank = models.IntegerField(default=0)

    class Meta:
        app_label = "kit_tickets"

    def __str__(self) -> str:
        return self.number


class Visit(models.Model):
    """A visit; the database removes it with its stall."""

    code = models.UUIDField(unique=True)
    stall = models.ForeignKey(Stall, models.DO_NOTHING)

    class Meta:
        app_label = "kit_tickets"

    def __str__(self) -> str:
        return str(self.code)


def make_visits(alias: str) -> None:
    """The table of visits, with a cascade of the database's own."""
    with connections[alias].schema_editor(collect_sql=True) as editor:
        editor.create_model(Visit)
    with connections[alias].cursor() as cursor:
        for each in editor.collected_sql:
            cursor.execute(each.replace("DEFERRABLE", "ON DELETE CASCADE DEFERRABLE").rstrip(";"))


def events() -> dict[str, type[carveout.Event]]:
    """The events of both tables, declared now."""

    class StallAdded(carveout.Event, key="number"):
        """A stall is there."""

        number: str

    class StallChanged(carveout.Event, key="number"):
        """A stall's price or rank changed."""

        number: str
        price: Decimal
        is_open: bool
        opened_at: datetime | None
        day: date | None
        reference: UUID | None
        rank: int

    class StallRemoved(carveout.Event, key="number"):
        """A stall is gone."""

        number: str

    class VisitBegun(carveout.Event, key="visit"):
        """Somebody came."""

        visit: UUID
        stall_id: int

    class VisitEnded(carveout.Event, key="visit"):
        """Somebody went."""

        visit: UUID

    found = (StallAdded, StallChanged, StallRemoved, VisitBegun, VisitEnded)
    for each in found:
        each.__module__ = __name__
    return {each.__name__: each for each in found}


@contextmanager
def announced(alias: str = "kit") -> Iterator[dict[str, type[carveout.Event]]]:
    """Inside the block the database announces both tables. Gives: the types of the events."""
    of = events()
    carveout.announces(
        Stall,
        created=of["StallAdded"],
        changed=(of["StallChanged"], ["price", "rank"]),
        deleted=of["StallRemoved"],
    )
    carveout.announces(
        Visit, created=of["VisitBegun"], deleted=of["VisitEnded"], fields={"visit": "code"}
    )
    ours = [*registry.values()]
    connections[alias].close()  # the next connection is watched
    run(alias, ours, statements.create)
    try:
        yield of
    finally:
        run(alias, ours, statements.drop)
        connections[alias].close()


def run(alias: str, announcements: list[Announcement], of: Any) -> None:
    """Execute statements for the triggers of these tables."""
    with connections[alias].cursor() as cursor:
        for each in announcements:
            for statement in of(each, connections[alias].vendor):
                cursor.execute(statement)
