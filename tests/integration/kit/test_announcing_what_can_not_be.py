"""What no trigger could write is refused, with the field and the fix."""

from datetime import datetime
from decimal import Decimal

import pytest

import carveout
from carveout.errors import DeclarationInvalid
from carveout.eventlog.triggers import fit
from carveout.eventlog.triggers.announcement import registry
from carveout.operations.announced_tables import system_check
from tests.integration.kit.desk.models import Note
from tests.integration.kit.tickets.stalls import Stall

pytestmark = pytest.mark.usefixtures("kit")
HOME = "tests.integration.kit.tickets.stalls"


def problems(model=Stall, **declared) -> list[str]:
    carveout.announces(model, **declared)
    table = registry.pop(model._meta.label)
    return [f"{each.text} {each.fix}" for each in fit.problems(table)]


@pytest.fixture
def event():
    def declare(key="number", /, carries="", **fields):
        namespace = {"__module__": HOME, "__annotations__": fields}
        make = type(carveout.Event)
        return make("Misfit", (carveout.Event,), namespace, key=key, carries=carries)

    return declare


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"nummer": int}, "from kit_tickets.Stall.nummer, which does not exist. Did you mean"),
        (
            {"rank": str},
            "rank is declared as str, but kit_tickets.Stall.rank is of type IntegerField.",
        ),
        ({"price": float}, "Declare it as Decimal."),
        ({"opened_at": datetime}, "may be NULL. Declare it as datetime | None."),
    ],
)
def test_a_field_that_does_not_fit_is_named(event, fields, problem):
    (found,) = problems(created=event(number=str, **fields))
    assert problem in found


@pytest.mark.parametrize(("key", "kind"), [("price", Decimal), ("reference", str | None)])
def test_a_key_is_short_and_always_there(event, key, kind):
    (found,) = problems(created=event(key, **{key: kind}))
    assert "A key is a number, a UUID or a text of at most 255 characters, and not NULL." in found


def test_what_carries_state_is_published_by_code(event):
    (found,) = problems(created=event(number=str, carries="tickets.ticket"))
    assert "carries tickets.ticket, which no trigger can serialize." in found


def test_watched_fields_are_those_of_the_model(event):
    made = event(number=str)
    (found,) = problems(changed=(made, ["prise"]))
    assert "'prise'" in found
    assert "Did you mean 'price'?" in found
    (found,) = problems(changed=(made, []))
    assert "names no field" in found


def test_a_table_is_announced_by_its_own_context(event):
    found = problems(Note, created=event(number=str), fields={"number": "text"})
    assert "kit_desk.Note is of context desk, its events are of tickets." in found[0]


def test_check_reports_them_with_their_place(event):
    carveout.announces(Stall, created=event(number=str, rank=str))
    (found,) = system_check.check_announced_tables()
    assert (found.id, "test_announcing_what_can_not_be.py:" in found.obj) == ("carveout.E022", True)


def test_a_declaration_that_can_not_be_right_is_refused_at_once(event):
    made = event(number=str)
    for call, message in (
        (lambda: carveout.announces(made), "is not a model"),
        (lambda: carveout.announces(Stall), "names no event"),
        (lambda: carveout.announces(Stall, created=Stall), "is not a subclass of carveout.Event"),
        (lambda: carveout.announces(Stall, changed=made), r'Write changed=\(Event, \["field"\]\)'),
    ):
        with pytest.raises(DeclarationInvalid, match=message):
            call()
    carveout.announces(Stall, created=made)
    with pytest.raises(DeclarationInvalid, match="announced twice"):
        carveout.announces(Stall, created=made)
