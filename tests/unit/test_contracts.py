"""Contracts out of declarations, and their files."""

import json

import msgspec
import pytest
from rest_framework import serializers

import carveout
from carveout.contracts.declared import declared
from carveout.contracts.files import encode, path_of, stored
from carveout.errors import DeclarationInvalid

pytestmark = pytest.mark.usefixtures("shows")

HERE = "tests/unit/test_contracts.py:"


@pytest.fixture
def written():
    class ShowOpened(carveout.Event, key="title", carries="shows.show", version=2):
        """It is open.

        To all.
        """

        title: str
        seats: int

    @carveout.upcast("shows.ShowOpened", version=1)
    def add_seats(data):
        return {**data, "seats": 100}

    class ShowSerializer(serializers.Serializer):
        title = serializers.CharField()

    @carveout.lookup("show", key="title")
    class ShowLookup(carveout.LookupViewSet):
        serializer_class = ShowSerializer

    class Venue(carveout.Lookup, of="elsewhere.venue", by="place"):
        name: str
        fee: int = 0

    @carveout.subscribe("elsewhere.VenueBuilt", via="rq")
    def visit(event, venue: Venue):
        """Nothing."""

    return declared("shows")


def test_it_holds_events_and_lookups_with_their_fields(written):
    event = written.events["shows.ShowOpened"]
    assert (event.key, event.carries) == ("title", "shows.show")
    assert (event.version, event.upcasts) == (2, [1])
    assert event.schema["$defs"]["ShowOpened"]["description"] == "It is open.\n\nTo all."
    assert set(event.schema["$defs"]["ShowOpened"]["properties"]) == {"title", "seats"}
    offer = written.lookups["shows.show"]
    assert (offer.key, set(offer.schema["properties"])) == ("title", {"title"})


def test_it_holds_what_the_context_needs_of_others_with_file_and_line(written):
    ((name, reader),) = written.reads["elsewhere.venue"].items()
    assert name.endswith("Venue")
    assert reader.by == "place"
    assert {path: field.type for path, field in reader.fields.items()} == {
        "name": "string",
        "fee": "integer",
    }
    hearing = written.hears["elsewhere.VenueBuilt"]["shows.visit"]
    assert (hearing.via, hearing.asks) == ("rq", [name])
    ats = [reader.at, hearing.at, *(field.at for field in reader.fields.values())]
    assert all(at.startswith(HERE) for at in ats)
    assert len(set(ats)) == 4


def test_only_fields_below_the_lookups_own_are_optional():
    class Seat(carveout.Lookup, of="elsewhere.row", by=""):
        row: str = ""
        inner: "list[Inner] | None" = None

    reader = declared("shows").reads["elsewhere.row"]
    fields = next(iter(reader.values())).fields
    assert {path for path, field in fields.items() if field.optional} == {"inner[].colour"}


class Inner(msgspec.Struct):
    number: int
    colour: str = ""


def in_order(pairs: list[tuple[str, object]]) -> None:
    names = [name for name, _ in pairs]
    assert names == sorted(names)


def test_the_same_contract_is_the_same_text(written):
    text = encode(written)
    assert text == encode(declared("shows"))
    assert text.startswith('{\n  "context": "shows"')
    json.loads(text, object_pairs_hook=in_order)
    assert text.endswith("}\n")
    assert not text.endswith("\n\n")


def test_version_1_is_not_written():
    class ShowClosed(carveout.Event, key="title"):
        title: str

    assert '"version"' not in encode(declared("shows"))


def test_a_file_is_read_as_it_was_written(written, tmp_path):
    assert stored("shows", tmp_path) is None
    path_of("shows", tmp_path).write_text(encode(written))
    assert stored("shows", tmp_path) == written
    path = path_of("shows", tmp_path)
    path.write_text(path.read_text("utf-8"), "utf-8-sig")  # as editors of Windows do
    assert stored("shows", tmp_path) == written


def test_a_file_that_is_no_contract_is_named(tmp_path):
    path_of("shows", tmp_path).write_text("<<<<<<< HEAD")
    with pytest.raises(DeclarationInvalid, match=r"shows\.json is not a contract"):
        stored("shows", tmp_path)
