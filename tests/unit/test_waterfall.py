"""How a story is drawn on its time axis."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec.structs import replace

from carveout.operations.story.deployments import StoryPart
from carveout.operations.story.events import StoryEvent
from carveout.operations.story.outcomes import Outcome, OutcomeStep
from carveout.operations.story.tree import build
from carveout.operations.story.waterfall import Bar, Line, Links, Waterfall
from carveout.telemetry.notes import LookupCall

BEGAN = datetime(2026, 1, 31, 12, tzinfo=UTC)
EVENT = StoryEvent(
    id="e-1",
    type="orders.OrderCreated",
    context="orders",
    key="A-1",
    time=BEGAN,
    correlation_id="",
    position=1,
    shipped="in the stream",
)


def at(ms: float) -> datetime:
    return BEGAN + timedelta(milliseconds=ms)


def step(state: str, began_ms: float, ended_ms: float, **fields: object) -> OutcomeStep:
    began, ended = at(began_ms), at(ended_ms)
    took_ms = ended_ms - began_ms
    return OutcomeStep(state=state, at=began, began=began, ended=ended, took_ms=took_ms, **fields)


def attempt(number: int, state: str = "failed", error: str = "OSError: refused") -> OutcomeStep:
    return step(state, 100 * number, 100 * number + 50, text=f"attempt {number}", error=error)


def drawn(*steps: OutcomeStep, state: str = "handled") -> Waterfall:
    outcome = Outcome(event=EVENT.id, subscription="letters.write", state=state, steps=steps)
    return Waterfall(build(EVENT.id, [EVENT], [outcome], False), lambda node: Links())


def subscription_of(waterfall: Waterfall) -> Line:
    return waterfall.lines[0].children[1]


def titles(lines: Sequence[Line]) -> list[str]:
    return [each.title for each in lines]


def test_a_bar_begins_and_ends_where_its_line_did() -> None:
    looked_up = LookupCall("orders.order", 1, 100.0, began=at(200).timestamp())
    waterfall = drawn(step("handled", 100, 400, lookups=[looked_up], notes=["written"]))
    (event,), line = waterfall.lines, subscription_of(waterfall)
    assert event.bars == [Bar("0.00%", "", "published")]
    assert line.bars == [Bar("25.00%", "75.00%", "handled")]
    lookup, note = line.children
    assert lookup.bars == [Bar("50.00%", "25.00%", "looked up")]
    assert [each.node.after for each in (line, lookup, note)] == ["+100 ms", "+200 ms", "+400 ms"]
    assert waterfall.ticks[::3] == ["0 ms", "400 ms"]


OLD = b"""{"fates": [{"event": "e-1", "subscription": "letters.write", "state": "handled",
    "steps": [{"state": "handled", "at": "2026-01-31T12:00:00.400Z", "took_ms": 300.0,
     "lookups": [{"of": "orders.order", "keys": 1, "took_ms": 100.0, "failed": false}]}]}]}"""


def test_what_an_older_release_answers_has_a_moment_or_nothing() -> None:
    (outcome,) = msgspec.json.decode(OLD, type=StoryPart).fates
    line = subscription_of(drawn(*outcome.steps))
    assert line.bars == [Bar("100.00%", "", "handled")]
    assert line.children[0].bars == []
    assert line.children[0].node.after == ""


def test_what_has_not_ended_lasts_until_now() -> None:
    wait = OutcomeStep(state="waiting", text="next attempt not before")
    story = drawn(attempt(1), wait, state="waiting").story
    line = subscription_of(Waterfall(replace(story, moving=True), lambda node: Links()))
    failed, waiting = line.children
    assert line.bars == waiting.bars == [Bar("0.00%", "100.00%", "waiting")]  # for months now
    assert failed.bars[0].state == "failed"
    assert waiting.node.after == "+150 ms"  # since the attempt before it ended


def test_a_clock_that_is_behind_draws_nothing_before_the_story() -> None:
    waterfall = drawn(step("handled", -50, 100))
    line = subscription_of(waterfall)
    assert line.node.after == "-50 ms"
    assert line.bars == [Bar("0.00%", "100.00%", "handled")]


def test_a_story_of_a_moment_has_an_axis() -> None:
    assert drawn().ticks == ["0 ms", "0 ms", "1 ms", "1 ms"]


def test_attempts_that_end_alike_are_one_line() -> None:
    waterfall = drawn(*(attempt(n) for n in range(1, 9)), attempt(9, "given up"), state="dead")
    folded, last = subscription_of(waterfall).children
    assert (folded.title, folded.node.title) == ("attempts 1 to 8", "attempt 1")
    assert titles(folded.alike) == [f"attempt {number}" for number in range(1, 9)]
    assert len(folded.bars) == 8
    assert (last.title, last.alike) == ("attempt 9", ())


def test_attempts_that_differ_only_in_numbers_are_alike() -> None:
    waterfall = drawn(*(attempt(n, error=f"OSError: refused after {n} s") for n in (1, 2)))
    assert titles(subscription_of(waterfall).children) == ["attempts 1 to 2"]


def test_attempts_that_end_otherwise_are_not() -> None:
    refused, other = "OSError: refused", "KeyError: sku"
    waterfall = drawn(*(attempt(n, error=error) for n, error in enumerate([refused, other], 1)))
    assert titles(subscription_of(waterfall).children) == ["attempt 1", "attempt 2"]
    by_hand = [OutcomeStep(state="retried", at=at(ms), text="by hand") for ms in (1, 2)]
    assert titles(subscription_of(drawn(*by_hand)).children) == ["", ""]


def test_a_story_names_its_contexts() -> None:
    assert drawn(attempt(1)).contexts == ["letters", "orders"]


def test_attempts_that_ended_in_different_states_are_lines_of_their_own() -> None:
    line = subscription_of(drawn(attempt(1), attempt(2, state="put off"), attempt(3)))
    assert titles(line.children) == ["attempt 1", "attempt 2", "attempt 3"]
