"""Events: frozen, thin, and checked when they are declared and when they are encoded."""

import uuid
from datetime import UTC, datetime

import pytest

import carveout
from carveout import event
from carveout.errors import DeclarationInvalid
from carveout.event import EVENT_BYTES_MAX, encode, key_of, type_name
from carveout.log import slot_of

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


def test_fields_are_given_by_name():
    with pytest.raises(TypeError):
        show_opened()("Hamlet")


def test_a_key_must_name_a_field():
    with pytest.raises(DeclarationInvalid, match=r"key='tittle' names no field.*one of title"):

        class ShowOpened(carveout.Event, key="tittle"):
            title: str


def test_a_key_must_be_said():
    with pytest.raises(DeclarationInvalid, match="names no field"):

        class ShowOpened(carveout.Event):
            title: str


def test_an_event_is_of_version_1_unless_it_says_otherwise():
    class ShowClosed(carveout.Event, key="title", version=2):
        title: str

    assert (show_opened().event_version, ShowClosed.event_version) == (1, 2)


@pytest.mark.parametrize("version", [0, -1, 32_768, "2", 1.5, True, None])
def test_a_version_is_a_whole_number_from_1(version):
    with pytest.raises(DeclarationInvalid, match="is no whole number from 1"):

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


def test_fields_of_a_received_event_are_attributes():
    opened = received(title="Hamlet", seats=3)
    assert (opened.title, opened.seats, opened.key) == ("Hamlet", 3, "Hamlet")


def test_a_field_that_an_event_lacks_is_named():
    with pytest.raises(AttributeError, match=r"has no field 'stage'; it has title"):
        _ = received(title="Hamlet").stage


def test_data_does_not_hide_an_events_own_attributes():
    assert received(type="tragedy", position=99).position == 1


@pytest.mark.parametrize(("key", "slot"), [("A-1", 9264), ("A-2", 13706), ("Ä", 4427), ("", 0)])
def test_a_key_stays_in_its_slot_in_every_release(key, slot):
    assert slot_of(key) == slot
