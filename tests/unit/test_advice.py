"""`contextmap --advice`: whether an event should carry state, from what was observed."""

import pytest

from carveout.contracts.contract import Contract, EventType, Reader, SubscriptionUse
from carveout.operations.contextmap import advice as module
from carveout.operations.contextmap.advice import Advice, advice, text
from carveout.operations.contextmap.observed import Observed, ObservedLookup, ObservedSubscription
from carveout.telemetry.counters import Count

EVENT = "mill.FlourGround"


def mill(carries: str = "") -> Contract:
    event = EventType(at="mill/events.py:3", key="sack", carries=carries, schema={})
    return Contract(context="mill", events={EVENT: event}, lookups={}, reads={}, hears={})


def baker(name: str, asks: bool = True) -> Contract:
    reader = f"{name}.lookups.Sack"
    return Contract(
        context=name,
        events={},
        lookups={},
        reads={"mill.sack": {reader: Reader(at="lookups.py:1", fields={})}},
        hears={
            EVENT: {
                f"{name}.bake": SubscriptionUse(
                    at="subscribers.py:1", via="consumer", asks=[reader] if asks else []
                )
            }
        },
    )


def observed(names: list[str], handled: int = 500, failed: int = 0) -> Observed:
    bakes = ObservedSubscription(types={EVENT: Count(handled, 1)})
    lookups = ObservedLookup(requests=200, failed=failed, mean_ms=2.5)
    return Observed(
        at=0,
        subscriptions={f"{name}.bake": bakes for name in names},
        lookups={f"{name} mill.sack": lookups for name in names},
    )


def of(*bakers: Contract, carries: str = "", **seen: int) -> Advice:
    contracts = {"mill": mill(carries)} | {each.context: each for each in bakers}
    (found,) = advice(contracts, observed([each.context for each in bakers], **seen))
    return found


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(module, "_bytes", lambda owner, type_, lookup: 300)


def test_few_who_ask_an_owner_that_answers_need_no_carried_state(small):
    found = of(baker("north"))
    assert (found.handled, found.requests, found.mean_ms) == (500, 200, 2.5)
    assert [*text(iter([found]))] == [
        "mill.FlourGround  mill/events.py:3",
        "  Keep it thin: the owner answers, and few ask.",
        "  north ask for mill.sack (300 bytes)",
        "  handled 500 times; 200 requests for any event, all answered, 2.5 ms each",
    ]


def test_many_who_ask_for_something_small_do(small, monkeypatch):
    bakers = [baker(name) for name in ("north", "south", "west")]
    assert of(*bakers).verdict == 'Let it carry "mill.sack": many ask for it, and it is small.'
    monkeypatch.setattr(module, "_bytes", lambda owner, type_, lookup: 3_000)
    assert of(*bakers).verdict.startswith("Keep it thin")
    monkeypatch.setattr(module, "_bytes", lambda owner, type_, lookup: None)
    assert of(*bakers).verdict.startswith("Keep it thin")


def test_an_owner_that_often_does_not_answer_does_too(small):
    found = of(baker("north"), failed=30)
    assert found.verdict == 'Let it carry "mill.sack": the owner often did not answer.'
    assert "30 without an answer" in [*text(iter([found]))][-1]


def test_nothing_is_said_too_early_or_where_nobody_asks(small):
    assert of(baker("north"), handled=99).verdict == "Too early to say: it was handled 99 times."
    assert of(baker("north", asks=False)).verdict.startswith("Keep it thin: no handler asks")
    assert of(baker("north"), carries="mill.sack").verdict == "It carries mill.sack: nobody asks."
