"""Upcasters: data of an older version become data of the newest, or stay as they are."""

import logging
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

import carveout
from carveout.errors import DeclarationInvalid, UpcastFailed
from carveout.events import codec, upcasters
from carveout.events.event import PartitionRef, Record

pytestmark = pytest.mark.usefixtures("shows")

OPENED = "shows.ShowOpened"


def row(version: int = 1, data: str = '{"title":"Hamlet"}') -> Record:
    texts = ["Hamlet", "2026-01-31T12:00:00+00:00", data, *[""] * 5]
    return Record(1, str(uuid.uuid4()), OPENED, version, *texts)


def received(version: int = 1, **data: Any) -> carveout.ReceivedEvent:
    return carveout.ReceivedEvent(
        id=uuid.uuid4(),
        type=OPENED,
        context="shows",
        partition=0,
        position=1,
        key="Hamlet",
        time=datetime.now(UTC),
        data=data,
        version=version,
    )


def fields(row: Record) -> dict[bytes, bytes]:
    each = [text.encode() for text in codec.to_entry(PartitionRef("shows", 0), row)]
    return dict(zip(each[::2], each[1::2], strict=True))


@pytest.fixture
def two_steps():
    """From version 1 to 3."""

    @carveout.upcast(OPENED, version=1)
    def add_seats(data):
        return {**data, "seats": 100}

    @carveout.upcast(OPENED, version=2)
    def rename_title(data):
        data["name"] = data.pop("title")
        return data


@pytest.mark.parametrize(
    ("version", "data"),
    [
        (1, {"title": "Hamlet"}),
        (2, {"title": "Hamlet", "seats": 100}),
        (3, {"name": "Hamlet", "seats": 100}),
    ],
)
def test_each_version_comes_to_the_newest_wherever_an_event_is_made(two_steps, version, data):
    stored = row(version, msgspec.json.encode(data).decode())
    shipped = fields(stored)
    assert shipped[b"dataversion"] == b"3"
    for event in (
        upcasters.upcast_event(received(version, **data)),
        codec.from_record(PartitionRef("shows", 0), stored),
        codec.from_entry(PartitionRef("shows", 0), b"1-0", shipped),
        codec.from_entry(PartitionRef("shows", 0), b"1-0", fields_as_they_were(stored)),
    ):
        assert (event.version, event.data) == (3, {"name": "Hamlet", "seats": 100})


def fields_as_they_were(row: Record) -> dict[bytes, bytes]:
    """The entry of a relay that knew of no upcaster."""
    known = dict(upcasters.registry)
    upcasters.registry.clear()
    try:
        return fields(row)
    finally:
        upcasters.registry.update(known)


def test_version_1_is_not_written_into_an_entry():
    assert b"dataversion" not in fields(row())
    assert codec.from_entry(PartitionRef("shows", 0), b"1-0", fields(row())).version == 1


def test_a_version_that_is_no_number_makes_an_entry_unreadable():
    with pytest.raises(codec.UNREADABLE):
        codec.from_entry(
            PartitionRef("shows", 0), b"1-0", {**fields(row()), b"dataversion": b"two"}
        )


def test_a_version_that_is_newer_than_all_upcasters_stays_as_it_is(two_steps):
    event = received(7, stage="left")
    assert upcasters.upcast_event(event) is event
    assert upcasters.upcast_or_fail([event]) == [event]
    assert fields(row(7))[b"dataversion"] == b"7"


def test_an_event_of_another_type_costs_nothing(two_steps):
    event = msgspec.structs.replace(received(), type="shows.ShowClosed")
    assert upcasters.upcast_event(event) is event


def raises(data):
    data.clear()
    raise ValueError("no title")


def gives(what: Any) -> Any:
    return lambda data: what


@pytest.mark.parametrize(
    "broken", [raises, gives(None), gives(["Hamlet"]), gives("Hamlet"), gives({"at": object()})]
)
class TestAnUpcasterThatFails:
    """Nothing is lost, and nobody handles what it left half done."""

    @pytest.fixture(autouse=True)
    def _declared(self, shows, broken, monkeypatch):
        monkeypatch.setattr(upcasters, "_failing", set())

        @carveout.upcast(OPENED, version=1)
        def add_seats(data):
            data["seats"] = 100
            return data

        carveout.upcast(OPENED, version=2)(broken)

    def test_the_event_stays_in_its_version(self, broken):
        event = received(title="Hamlet")
        assert upcasters.upcast_event(event) is event
        assert event.data == {"title": "Hamlet"}

    def test_the_row_is_shipped_as_it_is_stored(self, broken):
        shipped = fields(row())
        assert (shipped[b"data"], b"dataversion" in shipped) == (b'{"title":"Hamlet"}', False)

    def test_no_handler_gets_it(self, broken):
        with pytest.raises(UpcastFailed, match=r"shows\.ShowOpened: .* version 2 into version 3"):
            upcasters.upcast_or_fail([received(title="Hamlet")])

    def test_it_is_said_once_and_again_when_it_was_well_meanwhile(self, broken, caplog):
        caplog.set_level(logging.ERROR, "carveout")
        for _ in range(3):
            upcasters.upcast_event(received(title="Hamlet"))
        assert len(caplog.records) == 1
        broken_chain = upcasters.registry[OPENED]
        upcasters.registry[OPENED] = {1: broken_chain[1]}
        assert upcasters.upcast_event(received(title="Hamlet")).version == 2
        upcasters.registry[OPENED] = broken_chain
        upcasters.upcast_event(received(title="Hamlet"))
        assert len(caplog.records) == 2


def test_data_that_are_no_json_are_shipped_as_they_are(two_steps):
    assert fields(row(data="<<<"))[b"data"] == b"<<<"


def test_what_an_upcaster_gives_is_taken_as_after_a_journey():
    @carveout.upcast(OPENED, version=1)
    def add_price(data):
        return {**data, "price": Decimal("12.50")}

    assert upcasters.upcast_event(received()).data == {"price": "12.50"}


@pytest.mark.parametrize(("name", "version"), [("ShowOpened", 1), (OPENED, 0), (OPENED, "1")])
def test_an_upcaster_names_an_event_and_a_version(name, version):
    with pytest.raises(DeclarationInvalid, match=r"write @carveout\.upcast"):
        carveout.upcast(name, version=version)(raises)
