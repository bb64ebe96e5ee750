"""Which contexts' handlers wait for each other."""

from carveout.contracts.contract import Contract, EventType, Reader, SubscriptionUse
from carveout.operations.contextmap.lookup_cycles import cycles


def contract(context: str, *asked: str, carries: str = "", by: str = "", asks: bool = True):
    """A context with a handler that hears and asks each of the others."""
    reads = {
        f"{other}.thing": {f"{context}.{other}": Reader(at="r:1", by=by, fields={})}
        for other in asked
    }
    hears = {
        f"{other}.Done": {
            f"{context}.on_{other}": SubscriptionUse(
                at=f"{context}:1", via="consumer", asks=[f"{context}.{other}"] if asks else []
            )
        }
        for other in asked
    }
    event = EventType(at="e:1", key="id", carries=carries, schema={})
    return Contract(
        context=context, events={f"{context}.Done": event}, lookups={}, reads=reads, hears=hears
    )


def ways(*contracts: Contract) -> list[str]:
    found = cycles({each.context: each for each in contracts})
    return [
        each.message.split(": ")[0].removeprefix("handlers wait for each other, ") for each in found
    ]


def test_a_line_is_no_cycle():
    assert ways(contract("a", "b"), contract("b", "c"), contract("c")) == []


def test_a_cycle_of_three():
    assert ways(contract("a", "b"), contract("b", "c"), contract("c", "a")) == ["a → b → c → a"]


def test_each_cycle_is_found():
    contracts = [contract("a", "b"), contract("b", "a", "c"), contract("c", "b")]
    assert sorted(ways(*contracts)) == ["a → b → a", "b → c → b"]


def test_the_cycle_names_the_handlers_and_where_they_are():
    both = [contract("a", "b"), contract("b", "a")]
    (violation,) = cycles({each.context: each for each in both})
    assert violation.location == "a:1"
    assert "a.on_b (a:1) reads b.thing as b; b.on_a (b:1) reads a.thing as a" in violation.message


def test_a_context_may_look_itself_up():
    assert ways(contract("a", "a")) == []


def test_who_reads_outside_of_handlers_waits_for_nobody():
    assert ways(contract("a", "b"), contract("b", "a", asks=False)) == []


def test_what_travels_in_the_event_is_not_asked_for():
    assert ways(contract("a", "b"), contract("b", "a", carries="b.thing")) == []


def test_another_object_than_the_events_own_does_not_travel():
    both = [contract("a", "b", by="other"), contract("b", "a", carries="b.thing")]
    assert ways(*both) == ["a → b → a"]
