"""Events: frozen, thin, and checked when they are declared and when they are encoded."""

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.utils.html import format_html
from django.utils.safestring import SafeString

import carveout
from carveout.errors import DeclarationInvalid
from carveout.events import event
from carveout.events.event import DEPTH_MAX, EVENT_BYTES_MAX, KEY_MAX, encode, key_of, type_name

pytestmark = pytest.mark.usefixtures("shows")


def show_opened() -> type[carveout.Event]:
    class ShowOpened(carveout.Event, key="title"):
        title: str
        seats: int = 100

    return ShowOpened


def received(**data: object) -> carveout.ReceivedEvent:
    return carveout.ReceivedEvent(
        id=uuid.uuid4(),
        type="shows.ShowOpened",
        context="shows",
        partition=0,
        position=1,
        key="Hamlet",
        time=datetime.now(UTC),
        data=data,
    )


def test_a_type_is_named_by_context_and_class():
    declared = show_opened()
    assert type_name(declared) == "shows.ShowOpened"
    assert event.registry == {"shows.ShowOpened": declared}


def test_the_key_is_the_value_of_the_named_field():
    assert key_of(show_opened()(title="Hamlet")) == "Hamlet"


def test_an_event_never_changes():
    opened = show_opened()(title="Hamlet")
    with pytest.raises(AttributeError, match="immutable"):
        opened.title = "Macbeth"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"titel": "x"}, "unknown field 'titel', did you mean 'title'? Missing: 'title'."),
        ({}, "Missing: 'title'."),
        ({"title": "x", "stage": 1}, "unknown field 'stage', known names are title, seats."),
    ],
)
def test_a_wrong_field_is_named_with_those_that_there_are(given, told):
    with pytest.raises(TypeError) as caught:
        show_opened()(**given)
    assert str(caught.value) == f"shows.ShowOpened: {told} Its fields: title, seats."


def test_a_type_error_of_its_own_code_stays_as_it_is():
    class ShowMoved(carveout.Event, key="title"):
        title: str

        def __post_init__(self):
            raise TypeError("not to be moved")

    with pytest.raises(TypeError, match=r"^not to be moved$"):
        ShowMoved(title="Hamlet")


def test_fields_are_given_by_name():
    with pytest.raises(TypeError):
        show_opened()("Hamlet")


def test_a_key_must_name_a_field():
    with pytest.raises(
        DeclarationInvalid, match=r"key='tittle' is not one of its fields.*one of title"
    ):

        class ShowOpened(carveout.Event, key="tittle"):
            title: str


def test_a_key_must_be_said():
    with pytest.raises(DeclarationInvalid, match="is not one of its fields"):

        class ShowOpened(carveout.Event):
            title: str


def test_an_event_is_of_version_1_unless_it_says_otherwise():
    class ShowClosed(carveout.Event, key="title", version=2):
        title: str

    assert (show_opened().event_version, ShowClosed.event_version) == (1, 2)


@pytest.mark.parametrize("version", [0, -1, 32_768, "2", 1.5, True, None])
def test_a_version_is_a_whole_number_from_1(version):
    with pytest.raises(DeclarationInvalid, match="is not a whole number of at least 1"):

        class ShowClosed(carveout.Event, key="title", version=version):
            title: str


def test_a_module_of_no_context_declares_nothing(shows):
    shows(CONTEXTS={"other": {"apps": ["other"]}}, HOSTED=["other"])
    with pytest.raises(carveout.CarveoutError, match="belongs to no context"):
        show_opened()


@pytest.mark.parametrize("seats", ["many", None, 1.5, [1]])
def test_a_value_that_a_field_does_not_allow_is_refused(seats):
    opened = show_opened()(title="Hamlet", seats=seats)
    with pytest.raises(carveout.InvalidEvent, match=r"ShowOpened: .*seats"):
        encode(opened)


def test_a_value_that_is_no_json_is_refused():
    with pytest.raises(carveout.InvalidEvent, match="ShowOpened"):
        encode(show_opened()(title=object()))


def test_an_event_is_thin():
    opened = show_opened()
    room = EVENT_BYTES_MAX - len(encode(opened(title="")))
    assert len(encode(opened(title="x" * room))) == EVENT_BYTES_MAX
    with pytest.raises(carveout.InvalidEvent, match="at most 65536"):
        encode(opened(title="x" * (room + 1)))


def bill() -> type[carveout.Event]:
    class BillSent(carveout.Event, key="number"):
        number: str
        total: Decimal = Decimal(0)
        share: float = 0.0
        limit: float | None = None
        due: date | None = None
        notes: Any = None

    return BillSent


@pytest.mark.parametrize("title", ["", "x" * KEY_MAX, "é" * KEY_MAX, "a\nb", "\U0001f3ad"])
def test_a_key_that_every_database_holds(title):
    assert key_of(show_opened()(title=title)) == title


@pytest.mark.parametrize("title", ["x" * (KEY_MAX + 1), "Ham\0let", "Ham\udcfflet"])
def test_a_key_that_one_database_could_not_hold_is_refused_for_all(title):
    with pytest.raises(carveout.InvalidEvent, match=r"ShowOpened: its key title='.*can't be"):
        key_of(show_opened()(title=title))


def test_text_that_no_database_holds_is_refused():
    declared = bill()
    with pytest.raises(carveout.InvalidEvent, match=r"BillSent: .*surrogates not allowed"):
        encode(declared(number="1", notes=["\udcff"]))
    assert encode(declared(number="1", notes="\0")).count(b"\\u0000") == 1


@pytest.mark.parametrize("wrap", [lambda within: [within], lambda within: {"in": within}])
def test_data_that_are_nested_too_deep_are_refused(wrap):
    def nested(depth: int) -> Any:
        within = 1
        for _ in range(depth):
            within = wrap(within)
        return within

    declared = bill()
    encode(declared(number="1", notes=nested(DEPTH_MAX - 1)))
    encode(declared(number="1", notes=[[1]] * DEPTH_MAX))
    for depth in (DEPTH_MAX, 3_000):
        with pytest.raises(carveout.InvalidEvent, match="BillSent"):
            encode(declared(number="1", notes=nested(depth)))


def test_text_of_a_class_of_its_own_is_text():
    opened = show_opened()(title=format_html("<b>{}</b>", "Hamlet"))
    assert type(opened.title) is SafeString
    assert b"<b>Hamlet</b>" in encode(opened)
    assert type(key_of(opened)) is str


def test_numbers_of_a_class_of_their_own_are_numbers():
    kinds = [type("Of", (kind,), {}) for kind in (int, float)]
    assert b"[3,3.0]" in encode(bill()(number="1", notes=[kind(3) for kind in kinds]))


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("field", ["notes", "limit", "share"])
def test_a_number_that_json_does_not_have_is_refused(field, wrong):
    declared = bill()
    with pytest.raises(carveout.InvalidEvent, match="JSON has no number"):
        encode(declared(number="1", **{field: wrong}))
    with pytest.raises(carveout.InvalidEvent, match="JSON has no number"):
        encode(declared(number="1", notes=[{"a": (1, wrong)}]))


@pytest.mark.parametrize("total", [Decimal("12.30"), "12.30"])
def test_a_field_is_written_as_its_type_is(total):
    data = json.loads(encode(bill()(number="1", total=total, share=3, due="2026-01-31")))
    assert (data["total"], repr(data["share"]), data["due"]) == ("12.30", "3.0", "2026-01-31")


@pytest.mark.parametrize(("total", "written"), [(0.1, "0.1"), (3, "3")])
def test_a_decimal_is_text_whatever_number_was_given(total, written):
    assert json.loads(encode(bill()(number="1", total=total)))["total"] == written


@dataclass(frozen=True)
class Bill:
    """What a subscriber uses of the event, with types."""

    total: Decimal
    due: date | None = None


@pytest.mark.parametrize("total", ["12.30", 12.3])
def test_a_received_event_gives_its_data_with_types(total):
    got = received(number="1", total=total, due="2026-01-31").as_(Bill)
    assert (got.total * 2, got.due) == (Decimal("24.6"), date(2026, 1, 31))


def test_data_that_do_not_fit_the_asked_types_are_named():
    with pytest.raises(carveout.InvalidEvent, match=r"shows\.ShowOpened 'Hamlet' as .*total"):
        received(total="many").as_(Bill)


def test_fields_of_a_received_event_are_attributes():
    opened = received(title="Hamlet", seats=3)
    assert (opened.title, opened.seats, opened.key) == ("Hamlet", 3, "Hamlet")


def test_a_field_that_an_event_lacks_is_named():
    with pytest.raises(AttributeError, match=r"has no field 'stage'; it has title"):
        _ = received(title="Hamlet").stage


def test_data_does_not_hide_an_events_own_attributes():
    assert received(type="tragedy", position=99).position == 1
