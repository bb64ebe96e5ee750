"""What happens when an event is announced: what was seen, and what can only be guessed."""

from carveout.operations.contextmap.context_map import (
    ContextMap,
    MappedContext,
    MappedEvent,
    MappedSubscription,
)
from carveout.operations.contextmap.downstream import downstream
from carveout.operations.contextmap.observed import Observed, ObservedSubscription
from carveout.telemetry.counters import Count

HEARD = Count(1, 1.0)


def mapped(hears: dict[str, list[str]], observed: Observed | None = None) -> ContextMap:
    """hears: the subscriptions of each event. Everything is named <context>.<name>."""
    names = sorted({name for hearers in hears.values() for name in hearers})
    contexts = sorted({each.split(".")[0] for each in (*hears, *names)})
    return ContextMap(
        contexts=[MappedContext(name=each, hosted=True, known=True) for each in contexts],
        events=[
            MappedEvent(
                type=each, publisher=each.split(".")[0], at="", key="", carries="", heard_by=hearers
            )
            for each, hearers in hears.items()
        ],
        subscriptions=[
            MappedSubscription(
                name=name,
                context=name.split(".")[0],
                at="",
                via="consumer",
                hears=[each for each in hears if name in hears[each]],
                asks=[],
            )
            for name in names
        ],
        lookups=[],
        observed=observed,
    )


HEARS = {"a.One": ["b.ear"], "b.Two": ["c.ear"], "b.Three": [], "c.Four": ["a.ear"]}


def test_what_was_seen_to_be_published_is_followed_to_its_end():
    causes = {"a.One": {"b.Two": 3}, "b.Two": {"c.Four": 1}, "c.Four": {"a.One": 1}}
    seen = Observed(at=1, causes=causes)
    found = downstream("a.One", mapped(HEARS, seen))
    assert found.events == {"a.One": True, "b.Two": True, "c.Four": True}
    assert [step.subscription for step in found.steps] == ["b.ear", "c.ear", "a.ear"]
    assert all(step.sure for step in found.steps)


def test_what_nobody_saw_is_a_guess_and_nothing_is_guessed_from_guesses():
    found = downstream("a.One", mapped(HEARS))
    assert found.events == {"a.One": True, "b.Two": False, "b.Three": False}
    assert [(step.subscription, step.sure) for step in found.steps] == [
        ("b.ear", True),
        ("c.ear", False),
    ]


def test_what_was_heard_without_consequences_has_none():
    seen = Observed(at=1, subscriptions={"b.ear": ObservedSubscription(types={"a.One": HEARD})})
    found = downstream("a.One", mapped(HEARS, seen))
    assert found.events == {"a.One": True}
    (step,) = found.steps
    assert (step.publishes, step.may_publish) == ([], [])


def test_what_is_seen_below_a_guess_stays_a_guess():
    found = downstream("a.One", mapped(HEARS, Observed(at=1, causes={"b.Two": {"c.Four": 1}})))
    assert found.events["c.Four"] is False
