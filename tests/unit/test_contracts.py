"""Contracts out of declarations, and their files."""

import json

import msgspec
import pytest
from rest_framework import serializers

import carveout
from carveout import contract
from carveout.errors import DeclarationInvalid

pytestmark = pytest.mark.usefixtures("shows")

HERE = "tests/unit/test_contracts.py:"


@pytest.fixture
def declared():
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

    return contract.declared("shows")


def test_it_holds_events_and_lookups_with_their_fields(declared):
    event = declared.events["shows.ShowOpened"]
    assert (event.key, event.carries) == ("title", "shows.show")
    assert (event.version, event.upcasts) == (2, [1])
    assert event.schema["$defs"]["ShowOpened"]["description"] == "It is open.\n\nTo all."
    assert set(event.schema["$defs"]["ShowOpened"]["properties"]) == {"title", "seats"}
    offer = declared.lookups["shows.show"]
    assert (offer.key, set(offer.schema["properties"])) == ("title", {"title"})


def test_it_holds_what_the_context_needs_of_others_with_file_and_line(declared):
    ((name, reader),) = declared.reads["elsewhere.venue"].items()
    assert name.endswith("Venue")
    assert reader.by == "place"
    assert {path: field.type for path, field in reader.fields.items()} == {
        "name": "string",
        "fee": "integer",
    }
    hearing = declared.hears["elsewhere.VenueBuilt"]["shows.visit"]
    assert (hearing.via, hearing.asks) == ("rq", [name])
    ats = [reader.at, hearing.at, *(field.at for field in reader.fields.values())]
    assert all(at.startswith(HERE) for at in ats)
    assert len(set(ats)) == 4


def test_only_fields_below_the_lookups_own_are_optional():
    class Seat(carveout.Lookup, of="elsewhere.row", by=""):
        row: str = ""
        inner: "list[Inner] | None" = None

    reader = contract.declared("shows").reads["elsewhere.row"]
    fields = next(iter(reader.values())).fields
    assert {path for path, field in fields.items() if field.optional} == {"inner[].colour"}


class Inner(msgspec.Struct):
    number: int
    colour: str = ""


def in_order(pairs: list[tuple[str, object]]) -> None:
    names = [name for name, _ in pairs]
    assert names == sorted(names)


def test_the_same_contract_is_the_same_text(declared):
    text = contract.encode(declared)
    assert text == contract.encode(contract.declared("shows"))
    assert text.startswith('{\n  "context": "shows"')
    json.loads(text, object_pairs_hook=in_order)
    assert text.endswith("}\n")
    assert not text.endswith("\n\n")


def test_version_1_is_not_written():
    class ShowClosed(carveout.Event, key="title"):
        title: str

    assert '"version"' not in contract.encode(contract.declared("shows"))


def test_a_file_is_read_as_it_was_written(declared, tmp_path):
    assert contract.stored("shows", tmp_path) is None
    contract.path_of("shows", tmp_path).write_text(contract.encode(declared))
    assert contract.stored("shows", tmp_path) == declared


def test_a_file_that_is_no_contract_is_named(tmp_path):
    contract.path_of("shows", tmp_path).write_text("<<<<<<< HEAD")
    with pytest.raises(DeclarationInvalid, match=r"shows\.json is no contract"):
        contract.stored("shows", tmp_path)
