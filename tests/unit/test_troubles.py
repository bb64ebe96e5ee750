"""What is wrong, as the map shows it: whose it is, how bad, and where in the picture."""

from carveout.operations.contextmap.observed import (
    Late,
    Observed,
    ObservedLookup,
    ObservedSubscription,
)
from carveout.operations.contextmap.tables import live_cells
from carveout.operations.contextmap.troubles import RECENT_S, shown


def troubles(name: str = "mail.tell", **seen: object) -> dict:
    return shown(Observed(at=1000.0, subscriptions={name: ObservedSubscription(**seen)}))


def lookup(failed_at: float, asked_at: float) -> dict:
    asked = ObservedLookup(requests=9, failed=3, failed_at=failed_at, asked_at=asked_at)
    return shown(Observed(at=1000.0, lookups={"mail orders.order": asked}))


def test_what_is_well_shows_nothing():
    assert troubles(heard=9, lag=3, queued=2) == {}


def test_dead_deliveries_are_shown_at_their_box_their_arrow_and_their_event():
    parked = {"orders.Placed": {"dead": 2}, "orders.Sent": {"dead": 1_200, "waiting": 4}}
    found = troubles(dead=1_202, waiting=4, parked=parked)
    assert {key: each["parts"] for key, each in found.items()} == {
        "context:mail": ["1,202 dead", "4 waiting"],
        "events:orders:mail": ["1,202 dead", "4 waiting"],
        "event:orders.Placed": ["2 dead"],
        "event:orders.Sent": ["1,200 dead", "4 waiting"],
    }
    assert {each["level"] for each in found.values()} == {"error"}
    assert [each["text"] for each in found["context:mail"]["lines"]] == [
        "1,200 dead of Sent",
        "2 dead of Placed",
        "4 waiting of Sent",
    ]


def test_deliveries_of_an_unknown_type_are_shown_at_box_and_arrow():
    found = troubles(dead=1, parked={"orders.": {"dead": 1}})
    assert found.keys() == {"context:mail", "events:orders:mail"}
    assert found["context:mail"]["lines"][0]["text"] == "1 dead"


def test_waiting_late_and_paused_are_no_errors():
    late = {"orders": Late(events=7, oldest_s=90)}
    for seen, part, text in (
        ({"parked": {"orders.Sent": {"waiting": 4}}}, "4 waiting", "4 waiting of Sent"),
        ({"late": late}, "7 behind", "7 behind orders, the oldest for 1 min 30 s"),
        ({"paused": "ada: moving", "publishers": ["orders"]}, "paused", "paused by ada: moving"),
    ):
        found = troubles(**seen)
        assert {"context:mail", "events:orders:mail"} <= found.keys()
        assert found["events:orders:mail"]["parts"] == [part]
        assert found["context:mail"]["level"] == "warning"
        assert [each["text"] for each in found["context:mail"]["lines"]] == [text]


def test_the_worst_of_a_context_comes_first():
    seen = {
        "mail.tell": ObservedSubscription(paused="ada: moving", publishers=["orders"]),
        "mail.text": ObservedSubscription(stopped=["orders.1"]),
        "mail.sum": ObservedSubscription(parked={"orders.Sent": {"waiting": 4}}),
    }
    (found,) = [shown(Observed(at=0, subscriptions=seen))["context:mail"]]
    assert found["level"] == "error"
    assert found["parts"] == ["stopped", "4 waiting", "paused"]


def test_a_lookup_fails_while_its_last_request_failed_or_one_did_recently():
    for failed_at, asked_at, fails in (
        (990.0, 999.0, True),
        (999.0 - RECENT_S, 998.0, False),
        (100.0, 100.0, True),
        (0.0, 0.0, False),
    ):
        found = lookup(failed_at, asked_at)
        assert found.keys() == ({"context:mail", "lookups:mail:orders"} if fails else set())
    (line,) = lookup(970.0, 970.0)["lookups:mail:orders"]["lines"]
    assert (line["who"], line["text"]) == ("orders.order", "a request failed 30 s ago")


def test_the_cells_of_what_is_wrong_have_its_level():
    late = {"orders": Late(events=7, oldest_s=90)}
    of = ObservedSubscription(parked={"orders.Sent": {"dead": 1, "waiting": 2}}, late=late)
    asked = ObservedLookup(requests=1, failed=1, failed_at=5, asked_at=5)
    seen = Observed(at=9, subscriptions={"mail.tell": of}, lookups={"mail orders.order": asked})
    assert live_cells(seen)["levels"] == {
        "dead mail.tell": "error",
        "waiting mail.tell": "warning",
        "lag mail.tell": "warning",
        "refused mail orders.order": "error",
    }
