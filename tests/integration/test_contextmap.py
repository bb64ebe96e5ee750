"""The map of the reference project."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from carveout.management.commands import contextmap
from carveout.management.commands.contextmap import Command
from carveout.operations.contextmap.advice import Advice
from carveout.operations.contextmap.observed import Observed
from tests.copies import CONTEXTS


@pytest.fixture
def shown():
    def show(form: str) -> str:
        out = StringIO()
        call_command("contextmap", "--declared", format=form, stdout=out)
        return out.getvalue()

    return show


def named(entries: list[dict], by: str = "name") -> dict[str, dict]:
    return {entry[by]: entry for entry in entries}


def test_json_holds_who_hears_what_and_who_reads_what(shown):
    drawn = json.loads(shown("json"))
    assert set(named(drawn["contexts"])) == set(CONTEXTS)
    event = named(drawn["events"], "type")["orders.OrderShipped"]
    assert event["publisher"] == "orders"
    assert event["heard_by"] == ["notifications.tell_by_email", "notifications.tell_by_sms"]
    subscription = named(drawn["subscriptions"])["notifications.tell_by_email"]
    assert subscription["via"] == "rq"
    assert subscription["at"].startswith("notifications/subscribers.py:")
    readers = named(named(drawn["lookups"])["orders.order"]["read_by"])
    verifying = readers["reviews.lookups.OrderToVerify"]
    assert verifying["asked_by"] == ["reviews.mark_verified"]
    assert {"customer_id", "lines[].sku", "number", "placed_at"} <= set(verifying["fields"])
    assert "email" not in verifying["fields"]


def test_what_only_a_page_reads_is_asked_by_no_handler(shown):
    lookups = named(json.loads(shown("json"))["lookups"])
    (buying,) = lookups["shop.product"]["read_by"]
    assert (buying["context"], buying["asked_by"]) == ("orders", [])


def test_text_tells_file_and_line(shown):
    text = shown("text")
    assert "  publishes OrderCreated  orders/events.py:" in text
    assert "    → notifications.tell_by_email via rq, asks for OrderToTell  notifications/" in text
    assert "    ← reviews: OrderToVerify reads customer_id, lines[].sku, number, placed_at" in text


def test_mermaid_draws_events_and_lookups_as_arrows(shown):
    lines = shown("mermaid").splitlines()
    assert lines[0] == "flowchart LR"
    assert "  context_orders --> event_orders_OrderCreated" in lines
    heard = '  event_orders_OrderCreated -- "tell_by_email, a job" --> context_notifications'
    assert heard in lines
    assert '  context_orders -. "product: available, name, price, sku" .-> context_shop' in lines


def test_advice_needs_what_was_observed(settings):
    settings.CARVEOUT = {**settings.CARVEOUT, "DELIVERY": "inline"}
    with pytest.raises(CommandError, match=r"counted in Redis.*DELIVERY.*'inline'"):
        call_command("contextmap", "--advice")


def test_advice_can_be_written_to_a_file(monkeypatch, tmp_path):
    advice = Advice("orders.OrderCreated", "orders/events.py:6", "", "", (), 9, 0, 0, 0.0, None)
    monkeypatch.setattr(Command, "_gathered", lambda *_, **__: ({}, Observed(at=0.0)))
    monkeypatch.setattr(contextmap.advices, "advice", lambda *_: [advice])
    call_command("contextmap", "--advice", output=tmp_path / "advice.txt")
    assert "Keep it thin" in (tmp_path / "advice.txt").read_text()
