"""Stories: what an event, a key or a correlation id leads to, told in the right order."""

import json
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

import carveout
from carveout.deliveries import store
from carveout.deliveries.attempt_log import AttemptRun
from carveout.events.event import PartitionRef
from carveout.models import Attempt, Cursor, Delivery, LoggedEvent
from carveout.operations.story import events
from carveout.operations.story import tree as story_tree
from carveout.operations.story.tree import StoryNode
from carveout.redis import keys
from carveout.subscriptions.subscription import registry
from carveout.telemetry import correlation
from carveout.telemetry.correlation import Correlation
from carveout.telemetry.notes import RunNotes
from tests.integration.kit import steps
from tests.integration.kit.desk.lookups import TicketToShow
from tests.integration.kit.tickets.events import TicketMoved, TicketSold
from tests.integration.kit.tickets.services import announce, returned, sell, sold

pytestmark = pytest.mark.usefixtures("kit", "rq_signals")


def printed(query: str) -> str:
    """What the command prints."""
    out = StringIO()
    call_command("story", query, stdout=out)
    return out.getvalue()


def nodes(query: str) -> list[StoryNode]:
    """All nodes of the only story, from above."""
    (only,) = story_tree.find(query).stories

    def below(these: list[StoryNode]) -> list[StoryNode]:
        return [each for node in these for each in (node, *below(node.children))]

    return below(only.nodes)


def node(query: str, title: str) -> StoryNode:
    (found,) = [each for each in nodes(query) if each.title == title]
    return found


def states(of: StoryNode) -> list[tuple[str, str]]:
    return [(each.state, each.title or each.text) for each in of.children]


def state_of(query: str) -> str:
    (only,) = story_tree.find(query).stories
    return only.state


class TestWhatASubscriptionIsTold:
    """Each state, from before the relay saw the event until it is discarded."""

    def test_an_event_without_a_position_waits(self):
        @carveout.subscribe("tickets.TicketSold")
        def show(event): ...

        announce(sold(1))
        assert node("T-1", "position").state == "waiting"
        assert node("T-1", "desk.show").state == "waiting"
        assert state_of("T-1") == "under way"

    def test_one_whose_cursor_is_not_there_yet_waits(self):
        @carveout.subscribe("tickets.TicketSold")
        def show(event): ...

        announce(sold(1))
        steps.flow()
        announce([TicketSold(number="T-2")])
        steps.relay()
        assert node("T-2", "tickets.0 position 2").text == "in the stream"
        waiting = node("T-2", "desk.show")
        assert (waiting.state, waiting.text) == ("waiting", "its cursor is 1 position behind it")

    def test_what_was_handled_at_once_is_told_with_time_lookups_and_notes(self):
        @carveout.subscribe("tickets.TicketSold")
        def show(event, ticket: TicketToShow):
            carveout.annotate(f"shown {ticket.title}")

        sell("T-1", "T-2")
        steps.flow()
        handled = node("T-2", "desk.show")
        assert (handled.state, handled.at is not None, handled.took != "") == (
            "handled",
            True,
            True,
        )
        assert states(handled) == [("looked up", "tickets.ticket"), ("noted", "shown Concert T-2")]
        assert handled.children[0].text == "2 keys"
        lookup = handled.children[0]  # made before the batch's transaction
        assert lookup.at < lookup.until <= handled.until
        assert all(each.after for each in handled.children)
        assert state_of("T-2") == "done"

    def test_a_lost_trace_costs_only_the_time(self, valkey):
        @carveout.subscribe("tickets.TicketSold")
        def show(event):
            carveout.annotate(event.key)

        announce(sold(1))
        steps.flow()
        with valkey.client as redis:
            redis.delete(keys.batch_traces(PartitionRef("tickets", 0), "desk.show"))
        moved = node("T-1", "desk.show")
        assert (moved.state, moved.at is not None, moved.children) == ("handled", True, [])

        announce([TicketSold(number="T-2")])
        steps.flow()
        older = node("T-1", "desk.show")
        assert (older.state, older.text) == ("handled", "time unknown: the trace has expired")
        assert older.children == []
        assert states(node("T-2", "desk.show")) == [("noted", "T-2")]

    def test_what_was_noted_before_a_batch_ran_again_is_told_once(self):
        @carveout.subscribe("tickets.TicketSold")
        def a_sound_one(event):
            carveout.annotate("done")

        @carveout.subscribe("tickets.TicketSold")
        def broken_later(event):
            carveout.annotate("begun")
            if event.key == "T-2":
                raise KeyError("broken")

        announce(sold(2))
        steps.flow()
        assert states(node("T-1", "desk.a_sound_one")) == [("noted", "done")]
        assert states(node("T-1", "desk.broken_later")) == [("noted", "begun")]

    def test_a_failure_a_retry_and_its_end_stay_when_the_delivery_is_gone(self, kit):
        kit.set(RETRY_BASE_S=1000)  # no retry before it is asked for
        troubles = [OSError("out of paper")]

        @carveout.subscribe("tickets.TicketSold")
        def print_it(event, ticket: TicketToShow):
            carveout.annotate("printing")
            if troubles and event.key == "T-1":
                raise troubles[0]

        sell("T-1", "T-2")
        steps.flow()
        waiting = node("T-1", "desk.print_it")
        assert waiting.state == "waiting"
        assert [each.state for each in waiting.children] == ["failed", "waiting"]
        failed = waiting.children[0]
        assert failed.error == "builtins.OSError: out of paper"
        assert "raise troubles[0]" in failed.traceback
        assert states(failed) == [("looked up", "tickets.ticket")]  # its note went with its work

        troubles.clear()
        Delivery.objects.using("kit").update(due_at=timezone.now())
        steps.until(lambda: not Delivery.objects.using("kit").exists())
        handled = node("T-1", "desk.print_it")
        assert handled.state == "handled"
        outcomes = [(each.state, each.title) for each in handled.children]
        assert outcomes[0] == ("failed", "attempt 1")
        assert outcomes[-1][0] == "handled"
        assert ("noted", "printing") in states(handled.children[-1])
        assert node("T-2", "desk.print_it").state == "handled"

    def test_what_was_given_up_and_decided_by_hand(self):
        @carveout.subscribe("tickets.TicketSold", max_attempts=1)
        def stamp(event):
            raise KeyError("stamp")

        announce(sold(1))
        steps.flow()
        dead = node("T-1", "desk.stamp")
        assert dead.state == "dead"
        assert states(dead) == [
            ("given up", "attempt 1"),
            ("dead", "retry or discard it"),
        ]
        assert state_of("T-1") == "given up"

        call_command("deliveries", "retry", "--all", "--yes", stdout=StringIO())
        steps.until(lambda: Delivery.objects.using("kit").get().state == "dead")
        call_command("deliveries", "discard", "--all", "--yes", stdout=StringIO())
        over = node("T-1", "desk.stamp")
        assert over.state == "discarded"
        assert [state for state, _ in states(over)] == [
            "given up",
            "retried",
            "given up",
            "discarded",
        ]
        assert state_of("T-1") == "done"

    @pytest.mark.parametrize("atomic", [True, False])
    def test_a_job_is_told_from_its_queue_to_its_end(self, atomic):
        @carveout.subscribe("tickets.TicketSold", via="rq", atomic=atomic)
        def mail_it(event):
            carveout.annotate("mail sent")

        announce(sold(1))
        steps.flow()
        queued = node("T-1", "desk.mail_it")
        assert (queued.kind, queued.state) == ("job", "queued")
        call_command("work", "desk", once=True, verbosity=0)
        handled = node("T-1", "desk.mail_it")
        assert handled.state == "handled"
        assert states(handled) == [("handed to a job", ""), ("handled", "attempt 1")]
        assert states(handled.children[1]) == [("noted", "mail sent")]

    def test_what_a_job_is_not_wanted_for_is_declined(self):
        @carveout.subscribe("tickets.TicketSold", via="rq", when=lambda event: event.key == "T-2")
        def mail_it(event): ...

        announce(sold(2))
        steps.flow()
        assert node("T-1", "desk.mail_it").state == "declined"
        assert state_of("T-1") == "done"
        assert node("T-2", "desk.mail_it").state == "queued"

    def test_an_attempt_that_is_put_off_says_why_and_counts_nothing(self, kit):
        @carveout.subscribe("tickets.TicketSold", via="rq")
        def mail_it(event, ticket: TicketToShow): ...

        sell("T-1")
        steps.flow()
        kit.change("tickets", url="http://127.0.0.1:9/internal")
        kit.set(LOOKUPS="http")
        row = Delivery.objects.using("kit").get()
        for _ in range(3):
            steps.try_once(row)
        put_off = [each for each in nodes("T-1") if each.state == "put off"]
        assert [each.title for each in put_off] == ["attempt 1"]
        assert "LookupUnavailable" in put_off[0].error
        kit.set(LOOKUPS="auto")
        steps.try_once(row)
        assert node("T-1", "desk.mail_it").state == "handled"

    def test_an_attempt_that_died_with_its_process_is_told_once_another_ended(self):
        @carveout.subscribe("tickets.TicketSold", via="rq")
        def mail_it(event): ...

        announce(sold(1))
        steps.flow()
        steps.claim(Delivery.objects.using("kit").get())  # and never comes back
        assert (
            node("T-1", "desk.mail_it").children[-1].text
            == "a run is under way, or its process died"
        )
        Delivery.objects.using("kit").update(claimed_until=None)
        call_command("work", "desk", once=True, verbosity=0)
        assert states(node("T-1", "desk.mail_it"))[1:] == [
            ("died", "attempt 1"),
            ("handled", "attempt 2"),
        ]

    def test_what_a_replay_is_about_to_bring_again_waits(self):
        @carveout.subscribe("tickets.TicketSold")
        def show(event): ...

        announce(sold(2))
        steps.flow()
        call_command("replay", "desk.show", "--from", "2", "--yes", stdout=StringIO())
        assert node("T-1", "desk.show").state == "handled"
        assert node("T-2", "desk.show").state == "waiting"

    def test_who_is_no_longer_declared_but_left_something_is_told_too(self):
        @carveout.subscribe("tickets.TicketSold")
        def stamp(event):
            raise KeyError("stamp")

        announce(sold(1))
        steps.flow()
        del registry["desk.stamp"]
        assert node("T-1", "desk.stamp").state == "waiting"


class TestTheTree:
    """What caused what."""

    def test_what_a_handler_publishes_is_told_below_it(self):
        @carveout.subscribe("tickets.TicketSold")
        def seat(event):
            carveout.publish(TicketMoved(number=event.key, seat=7))

        announce(sold(1))
        steps.flow()
        steps.flow()
        titles = {title: kind for kind, title in ((n.kind, n.title) for n in nodes("T-1"))}
        assert titles["tickets.TicketMoved T-1"] == "event"
        by_id = LoggedEvent.objects.using("kit").get(type="tickets.TicketMoved")
        assert [n.title for n in nodes(str(by_id.event_id))] == [n.title for n in nodes("T-1")]
        assert by_id.correlation_id in printed("T-1")

    def test_a_caused_event_stands_below_the_only_subscription_of_its_context(self):
        first = an_event("tickets.TicketSold", "T-1")
        caused = an_event("desk.Seated", "T-1", by=first)
        fate = story_tree.Outcome(event=first.id, subscription="desk.seat", state="handled")
        tree = story_tree.build(first.id, [first, caused], [fate], False)
        branch = tree.nodes[0].children[1]
        assert (branch.title, branch.children[0].title) == ("desk.seat", "desk.Seated T-1")

    def test_events_of_one_request_are_one_story(self):
        with correlation.using(Correlation("order-form-1")):
            announce([*sold(2), returned("X")])
        assert {n.title for n in nodes("order-form-1") if n.kind == "event"} == {
            "tickets.TicketSold T-1",
            "tickets.TicketSold T-2",
            "tickets.TicketReturned X",
        }
        assert "order-form-1" in printed("T-2")

    def test_a_key_with_several_stories_has_them_in_time_order(self):
        announce(sold(1))
        announce([returned("T-1")])
        found = story_tree.find("T-1").stories
        assert [each.nodes[0].title for each in found] == [
            "tickets.TicketSold T-1",
            "tickets.TicketReturned T-1",
        ]

    def test_a_long_story_is_cut_and_says_so(self, monkeypatch):
        monkeypatch.setattr(events, "EVENTS_MAX", 3)
        with correlation.using(Correlation("import-1")):
            announce(sold(5))
        (only,) = story_tree.find("import-1").stories
        assert (only.events, only.cut) == (3, True)
        assert "3 events and more" in printed("import-1")


def an_event(type_: str, key: str, by: events.StoryEvent | None = None) -> events.StoryEvent:
    return events.StoryEvent(
        id=str(uuid4()),
        type=type_,
        context=type_.split(".")[0],
        key=key,
        time=timezone.now(),
        correlation_id=by.id if by else "",
        causation_id=by.id if by else "",
    )


class TestTheCommand:
    """Prints what the page shows."""

    def test_the_text_is_a_tree(self):
        @carveout.subscribe("tickets.TicketSold")
        def show(event):
            carveout.annotate("shown")

        announce(sold(1))
        steps.flow()
        lines = printed("T-1").splitlines()
        assert lines[1].startswith("done: 1 event in ")
        assert lines[2] == "tickets.TicketSold T-1: published, +0 ms"
        assert lines[3] == "├─ tickets.0 position 1: shipped, in the stream"
        assert lines[4].startswith("└─ desk.show: handled, +")
        assert lines[5].startswith("   └─ shown: noted, +")

    def test_json_has_the_same(self):
        announce(sold(1))
        out = StringIO()
        call_command("story", "T-1", "--format", "json", stdout=out)
        read = json.loads(out.getvalue())
        assert read["stories"][0]["nodes"][0]["title"] == "tickets.TicketSold T-1"

    def test_a_query_that_leads_nowhere_fails(self):
        with pytest.raises(CommandError, match="no story"):
            printed("nobody")

    def test_it_works_inline_and_while_redis_is_away(self, kit):
        @carveout.subscribe("tickets.TicketSold")
        def show(event): ...

        kit.set(DELIVERY="inline", REDIS_URL="redis://127.0.0.1:9/0")
        announce(sold(1))
        assert node("T-1", "desk.show").state == "handled"
        kit.set(DELIVERY="streams")
        assert node("T-1", "tickets.0 position 1").state == "unknown"
        assert node("T-1", "desk.show").state == "handled"


class TestAttemptsAreKept:
    """In the transaction of their outcome, and neither for ever nor without end."""

    def test_the_first_and_the_last_of_very_many_are_kept(self, kit):
        kit.set(RETRY_BASE_S=1000)  # the consumer makes the first attempt only

        @carveout.subscribe("tickets.TicketSold", max_attempts=100)
        def stamp(event):
            raise KeyError("stamp")

        announce(sold(1))
        steps.flow()
        row = Delivery.objects.using("kit").get()
        for number in range(2, 31):
            row.attempts = number
            run = AttemptRun(row.parked_at, RunNotes())
            Delivery.objects.using("kit").update(attempts=number)
            store.fail(row, registry["desk.stamp"], KeyError("stamp"), run)
        kept = list(Attempt.objects.using("kit").order_by("id").values_list("number", flat=True))
        assert kept == [*range(1, 11), *range(21, 31)]

    def test_an_attempt_that_is_rolled_back_is_not_told(self):
        @carveout.subscribe("tickets.TicketSold")
        def show(event):
            raise KeyError("broken")

        @carveout.subscribe("tickets.TicketSold")
        def moves_the_cursor(event):
            Cursor.objects.using("kit").update(position=1)

        announce(sold(1))
        steps.relay()
        steps.consume()
        assert not Attempt.objects.using("kit").exists()

    def test_prune_takes_attempts_of_the_same_age(self):
        @carveout.subscribe("tickets.TicketSold", max_attempts=1)
        def stamp(event):
            raise KeyError("stamp")

        announce(sold(1))
        steps.flow()
        out = StringIO()
        call_command("prune", "--older-than", "1", stdout=out)
        assert "0 attempts deleted" in out.getvalue()
        call_command("prune", "--older-than", "0", stdout=out)
        assert "1 attempts deleted" in out.getvalue()
        assert not Attempt.objects.using("kit").exists()

    def test_replay_forgets_the_traces_of_what_is_handled_again(self):
        @carveout.subscribe("tickets.TicketSold")
        def show(event):
            carveout.annotate("again" if again else "first")

        again: list[bool] = []
        announce(sold(3))
        steps.flow()
        again.append(True)
        call_command("replay", "desk.show", "--from", "1", "--yes", stdout=StringIO())
        steps.consume()
        assert states(node("T-1", "desk.show")) == [("noted", "again")]


class TestThePlans:
    """A story is found by indexes alone, however long the log is."""

    def fill(self) -> None:
        for request in range(20):
            with correlation.using(Correlation(f"request-{request}")):
                announce(sold(5, prefix="R"))
        announce(sold(1))
        plain = LoggedEvent.objects.using("kit").get(key="T-1")
        rows = [
            LoggedEvent(context="tickets", type=plain.type, key=f"P-{each}", data="{}")
            for each in range(5000)
        ]
        LoggedEvent.objects.using("kit").bulk_create(rows)
        with connections["kit"].cursor() as cursor:
            cursor.execute("ANALYZE carveout_loggedevent")

    def plans(self, *queries: str) -> list[str]:
        """How the database finds what the stories of these queries read from the log."""
        found: list[str] = []
        explain = "EXPLAIN" if connections["kit"].vendor == "postgresql" else "EXPLAIN QUERY PLAN"

        def look(execute, sql, params, many, context):
            if sql.startswith("SELECT") and "carveout_loggedevent" in sql:
                with context["connection"].cursor() as cursor:
                    execute_raw = cursor.cursor.execute
                    execute_raw(f"{explain} {sql}", params)
                    found.append("\n".join(str(row) for row in cursor.fetchall()))
            return execute(sql, params, many, context)

        with connections["kit"].execute_wrapper(look):
            for query in queries:
                assert story_tree.find(query).stories
        return found

    def test_every_query_of_the_log_uses_an_index(self):
        self.fill()
        event_id = str(LoggedEvent.objects.using("kit").get(key="T-1").event_id)
        plans = self.plans(event_id, "P-77", "request-5")
        assert len(plans) >= 12
        whole = [plan for plan in plans if "Seq Scan" in plan or "SCAN carveout" in plan]
        assert whole == []
        assert any("carveout_correlated" in plan for plan in plans)
