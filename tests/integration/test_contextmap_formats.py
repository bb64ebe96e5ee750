"""The formats of the map, read by the parsers of those who defined them."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from carveout.contracts.declared import declared
from tests import node_modules
from tests.copies import CONTEXTS

pytestmark = pytest.mark.timeout(300)


def written(form: str, to: Path) -> Path:
    call_command("contextmap", "--declared", format=form, output=to, verbosity=0)
    return to


def test_asyncapi_own_parser_understands_the_document(tmp_path):
    read = node_modules.run("asyncapi.cjs", written("asyncapi", tmp_path / "asyncapi.json"))
    worse_than_information = [each for each in read["diagnostics"] if each["severity"] < 2]
    assert worse_than_information == []
    assert read["channels"] == ["orders", "shop"]
    operations = {each["id"]: each for each in read["operations"]}
    sent = operations["orders.OrderCreated.announce"]
    assert (sent["action"], sent["messages"]) == ("send", ["orders.OrderCreated"])
    assert sent["fields"] == ["order_number"], "the data's schema is resolved"
    heard = operations["reviews.mark_verified.hears.orders"]
    assert heard["action"] == "receive"
    assert heard["messages"] == ["orders.OrderCancelled", "orders.OrderCreated"]


def test_what_nobody_declares_is_still_a_sound_document(tmp_path, settings):
    settings.CARVEOUT = {**settings.CARVEOUT, "HOSTED": ["notifications"]}
    folder = tmp_path / "no-contracts"
    call_command(
        "contextmap", "--declared", format="asyncapi", output=tmp_path / "a.json", folder=folder
    )
    read = node_modules.run("asyncapi.cjs", tmp_path / "a.json")
    assert [each for each in read["diagnostics"] if each["severity"] < 2] == []
    assert "orders.OrderCreated" in read["messages"]


def test_eventcatalog_own_sdk_finds_every_context_event_and_lookup(tmp_path):
    read = node_modules.run("eventcatalog.cjs", written("eventcatalog", tmp_path))
    by_id = {kind: {each["id"]: each for each in found} for kind, found in read.items()}
    assert set(by_id["domains"]) == set(by_id["services"]) == set(CONTEXTS)
    contracts = {name: declared(name) for name in CONTEXTS}
    assert set(by_id["events"]) == {each for of in contracts.values() for each in of.events}
    assert set(by_id["queries"]) == {each for of in contracts.values() for each in of.lookups}
    created = by_id["events"]["orders.OrderCreated"]
    assert created["summary"] == "A customer's order was stored."
    assert created["schema"]["$ref"] == "#/$defs/OrderCreated"
    orders = by_id["services"]["orders"]
    assert {"id": "orders.OrderCreated"} in orders["sends"]
    assert {"id": "shop.StockReserved"} in orders["receives"]


def test_eventcatalog_is_a_folder():
    with pytest.raises(CommandError, match="--output FOLDER"):
        call_command("contextmap", "--declared", format="eventcatalog")
