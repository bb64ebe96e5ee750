"""An own copy: filled beside live events, kept by them, never older than it was, verified."""

import itertools
import threading
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connections, models, transaction

import carveout
from carveout.errors import (
    CopyIsReadOnly,
    CopyNotStarted,
    CopyOvertaken,
    DeclarationInvalid,
    LookupUnavailable,
)
from carveout.models import Attempt, CopyClaim, CopyState, Cursor, Delivery
from carveout.operations.doctor import own_copies as doctor
from carveout.operations.metrics import own_copies as metrics
from carveout.subscriptions.copies import claims, filling, keeping, verifying
from carveout.testing import writable_copies
from tests.eventually import eventually
from tests.integration.kit import steps
from tests.integration.kit.desk.models import Ticket as TicketCopy
from tests.integration.kit.tickets.events import TicketMoved, TicketReturned
from tests.integration.kit.tickets.models import Ticket
from tests.integration.kit.tickets.services import sell

pytestmark = pytest.mark.usefixtures("copied")

TICKETS = Ticket.objects.using("kit")
COPIES = TicketCopy.objects.using("kit")


@pytest.fixture
def copied(kit, monkeypatch):
    """Desk's own copy of tickets, with a place in their log."""
    monkeypatch.setattr(verifying, "SETTLES_S", 0.0)
    keeping.declare(TicketCopy)
    steps.flow()


def change(number: str, **values) -> None:
    with transaction.atomic(using="kit"):
        TICKETS.filter(number=number).update(**values)
        carveout.publish(TicketMoved(number=number, seat=1))


def remove(number: str) -> None:
    with transaction.atomic(using="kit"):
        TICKETS.filter(number=number).delete()
        carveout.publish(TicketReturned(number=number))


def silently(*numbers: str, title: str = "silent") -> None:
    """Store tickets that nobody announces."""
    TICKETS.bulk_create(Ticket(number=number, title=title) for number in numbers)


def rows() -> dict[str, str]:
    return dict(COPIES.order_by("number").values_list("number", "title"))


def filled() -> list[filling.Filled]:
    return list(filling.fill(TicketCopy))


def verified(**options) -> tuple[dict[str, str], int]:
    """The differences, and how many rows are under way."""
    differences, under_way = {}, 0
    for part in verifying.verify(TicketCopy, sleep=lambda _: None, **options):
        differences |= part.differences
        under_way += part.under_way
    return differences, under_way


class TestKept:
    """Events keep the rows."""

    def test_rows_are_added_changed_and_removed(self):
        sell("1", "2", "3")
        steps.flow()
        assert rows() == {"1": "Concert 1", "2": "Concert 2", "3": "Concert 3"}
        change("2", title="moved", price=Decimal("99.90"))
        remove("3")
        steps.flow()
        assert rows() == {"1": "Concert 1", "2": "moved"}
        assert COPIES.get(number="2").price == Decimal("99.90")

    def test_events_of_a_row_in_one_batch_cost_one_write(self):
        sell("1")
        for title in ("a", "b", "c"):
            change("1", title=title)
        steps.flow()
        assert rows() == {"1": "c"}
        assert not Delivery.objects.using("kit").exists()

    def test_it_hears_from_now_on(self, kit):
        Cursor.objects.using("kit").all().delete()
        sell("1")
        steps.flow()
        assert rows() == {}

    @pytest.mark.parametrize("database", ["postgres"], indirect=True)
    def test_a_row_that_does_not_fit_is_parked_and_hurts_no_other(self):
        sell("1", "2", "3")
        change("2", title="x" * 41)
        steps.flow()
        assert rows().keys() == {"1", "3"}
        assert {each.key for each in Delivery.objects.using("kit").all()} == {"2"}

    def test_an_owner_that_does_not_answer_holds_up_this_copy_only(self, kit):
        heard = []

        @carveout.subscribe("tickets.TicketSold")
        def hear(event):
            heard.append(event.key)

        steps.flow()
        kit.set(LOOKUPS="http")
        kit.change("tickets", url="http://127.0.0.1:9")
        sell("1")
        steps.flow()
        assert (heard, rows()) == (["1"], {})
        kit.set(LOOKUPS="auto")
        steps.until(lambda: rows() == {"1": "Concert 1"})


class TestNeverOlder:
    """Whoever looked up first does not write last."""

    def test_a_row_that_was_looked_up_again_is_not_written(self):
        sell("1")
        early = keeping.fetch(TicketCopy, ["1"])
        change("1", title="new")
        late = keeping.fetch(TicketCopy, ["1"])
        with pytest.raises(CopyOvertaken, match="'1' was looked up by another process"):
            keeping.write(TicketCopy, early.values())
        keeping.write(TicketCopy, late.values())
        with pytest.raises(CopyOvertaken):
            keeping.write(TicketCopy, early.values())
        assert rows() == {"1": "new"}

    def test_a_removed_row_stays_away(self):
        sell("1")
        early = keeping.fetch(TicketCopy, ["1"])
        remove("1")
        keeping.rewrite(TicketCopy, ["1"])
        with pytest.raises(CopyOvertaken):
            keeping.write(TicketCopy, early.values())
        assert rows() == {}

    @pytest.mark.parametrize("fails_first", [False, True])
    def test_a_batch_that_was_overtaken_is_handled_again_and_nothing_is_parked(
        self, monkeypatch, fails_first
    ):
        failed, others, write = [], [], keeping.write

        def overtaken_once(model, found):
            if fails_first and not failed:
                failed.append(found)
                raise ValueError
            if len(others) < 1 + fails_first:
                others.append(keeping.fetch(model, ["1"]))
            write(model, found)

        monkeypatch.setattr(keeping, "write", overtaken_once)
        sell("1", "2")
        steps.flow()
        steps.consume()
        assert rows() == {"1": "Concert 1", "2": "Concert 2"}
        assert not Delivery.objects.using("kit").exists()
        assert not Attempt.objects.using("kit").exists()
        with pytest.raises(CopyOvertaken):
            write(TicketCopy, others[0].values())

    def test_a_parked_event_looks_up_again_and_brings_nothing_old_back(self, monkeypatch):
        write = keeping.write

        def failing(model, found):
            raise ValueError

        monkeypatch.setattr(keeping, "write", failing)
        sell("1")
        steps.flow()
        monkeypatch.setattr(keeping, "write", write)
        change("1", title="new")
        steps.until(lambda: not Delivery.objects.using("kit").exists())
        assert rows() == {"1": "new"}

    def test_a_replay_brings_nothing_old_back(self, monkeypatch):
        sell("1")
        change("1", title="new")
        steps.flow()
        seen, write = [], keeping.write

        def watched(model, found):
            write(model, found)
            seen.append(rows())

        monkeypatch.setattr(keeping, "write", watched)
        Cursor.objects.using("kit").update(position=0, event_id=None)
        steps.consume()
        assert seen
        assert all(each == {"1": "new"} for each in seen)

    @pytest.mark.parametrize("database", ["postgres"], indirect=True)
    def test_who_claims_a_row_that_is_being_filled_waits(self):
        got = []

        def fetch() -> None:
            got.append(keeping.fetch(TicketCopy, ["1"]))
            connections["kit"].close()

        silently("1")
        thread = threading.Thread(target=fetch)
        with transaction.atomic(using="kit"):
            assert claims.claim_unclaimed("kit_desk.Ticket", ["1"], "kit") == {"1"}
            thread.start()
            eventually(_somebody_waits)
            assert not got
            claims.release("kit_desk.Ticket", ["1"], "kit")
        thread.join()
        keeping.write(TicketCopy, got[0].values())
        assert rows() == {"1": "silent"}

    def test_claims_go_when_nobody_needs_them(self, monkeypatch):
        sell("1", "2")
        steps.flow()
        keeping.fetch(TicketCopy, ["2"])
        monkeypatch.setattr(claims, "STAYS_S", -1)
        claims.prune("kit")
        left = CopyClaim.objects.using("kit")
        assert list(left.values_list("key", "done")) == [("2", False)]
        monkeypatch.setattr(claims, "LOST_S", -1)
        claims.prune("kit")
        assert not left.exists()


def _somebody_waits() -> bool:
    with connections["kit"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0] > 0


class TestFilled:
    """Rows from before are filled in pages."""

    def test_all_rows_in_pages(self, monkeypatch):
        monkeypatch.setattr(filling, "ROWS_PER_PAGE", 3)
        silently(*map(str, range(10, 18)))
        assert filled() == [(3, 3), (3, 3), (2, 2)]
        assert list(rows()) == [str(number) for number in range(10, 18)]
        state = CopyState.objects.using("kit").get()
        assert (state.rows, state.after, bool(state.filled_at)) == (8, "17", True)

    def test_it_goes_on_where_it_was_ended(self, monkeypatch):
        monkeypatch.setattr(filling, "ROWS_PER_PAGE", 3)
        silently(*map(str, range(10, 18)))
        next(filling.fill(TicketCopy))
        assert len(rows()) == 3
        assert filled() == [(3, 3), (2, 2)]
        assert CopyState.objects.using("kit").get().rows == 8

    def test_it_fills_again_what_is_missing_and_leaves_what_is_there(self):
        silently("1", "2")
        filled()
        with writable_copies():
            COPIES.filter(number="1").delete()
        TICKETS.filter(number="2").update(title="later")
        assert filled() == [(2, 1)]
        assert rows() == {"1": "silent", "2": "silent"}

    @pytest.mark.parametrize("meanwhile", ["changed", "removed"])
    def test_what_an_event_wrote_while_a_page_was_under_way_stays(self, monkeypatch, meanwhile):
        silently("1", "2")
        page = filling.look_up_page

        def slow(*args):
            found = page(*args)
            if "1" in found:
                change("1", title="new") if meanwhile == "changed" else remove("1")
                steps.flow()
            return found

        monkeypatch.setattr(filling, "look_up_page", slow)
        filled()
        assert rows() == ({"1": "new"} if meanwhile == "changed" else {}) | {"2": "silent"}

    def test_a_page_that_took_too_long_is_asked_for_again(self, monkeypatch):
        silently("1")
        pages, page = [], filling.look_up_page

        def counted(*args):
            pages.append(page(*args))
            monkeypatch.setattr(filling, "PAGE_S_MAX", -1 if len(pages) == 1 else 60)
            return pages[-1]

        monkeypatch.setattr(filling, "look_up_page", counted)
        assert filled() == [(1, 1)]
        assert len(pages) == 3

    def test_large_rows_come_in_smaller_pages(self, kit):
        silently(*map(str, range(30)), title="x" * 30)
        with _over_http(kit):
            kit.set(LOOKUP_BYTES_MAX=1_000)
            assert {each.keys for each in filled()} == {10}
        assert len(rows()) == 30

    def test_the_only_key_may_be_an_empty_text(self):
        silently("")
        assert filled() == [(1, 1)]
        assert rows() == {"": "silent"}
        assert verified() == ({}, 0)

    def test_it_needs_a_place_in_the_log_first(self):
        Cursor.objects.using("kit").all().delete()
        with pytest.raises(CopyNotStarted, match="consume desk"):
            filled()
        assert not CopyState.objects.using("kit").exists()

    def test_an_owner_that_is_away_loses_no_place(self, kit, monkeypatch):
        monkeypatch.setattr(filling, "ROWS_PER_PAGE", 2)
        silently(*map(str, range(10, 14)))
        pages = filling.fill(TicketCopy)
        next(pages)
        kit.set(LOOKUPS="http")
        kit.change("tickets", url="http://127.0.0.1:9")
        with pytest.raises(LookupUnavailable):
            next(pages)
        kit.set(LOOKUPS="auto")
        assert filled() == [(2, 2)]


def _over_http(kit):
    from tests.integration.kit.web import the_contexts

    class Served:
        def __enter__(self):
            self.web = the_contexts()
            kit.set(LOOKUPS="http")
            kit.change("tickets", url=self.web.__enter__())

        def __exit__(self, *args):
            self.web.__exit__(*args)

    return Served()


class TestVerified:
    """Compared with the owner, both ways."""

    def test_nothing_differs(self):
        silently("1", "2")
        filled()
        assert verified() == ({}, 0)
        state = CopyState.objects.using("kit").get()
        assert (state.compared, state.differences, bool(state.verified_at)) == (2, 0, True)

    def test_every_planted_difference_is_found_and_repaired(self, monkeypatch):
        monkeypatch.setattr(verifying, "PAGE", 7)
        monkeypatch.setattr(verifying, "SUSPECTS_MAX", 20)
        numbers = [f"{number:03}" for number in range(200)]
        silently(*numbers)
        filled()
        planted = dict.fromkeys(numbers[::10], "changed") | dict.fromkeys(numbers[5::10], "missing")
        planted |= {f"x{number}": "extra" for number in range(10)}
        with writable_copies():
            COPIES.filter(number__in=numbers[::10]).update(title="other")
            COPIES.filter(number__in=numbers[5::10]).delete()
            COPIES.bulk_create(TicketCopy(number=f"x{number}") for number in range(10))
        assert len(planted) == 50
        assert verified() == (planted, 0)
        assert CopyState.objects.using("kit").get().differences == 50
        assert verified(repair=True) == (planted, 0)
        assert verified() == ({}, 0)
        assert rows() == dict.fromkeys(numbers, "silent")

    def test_keys_that_this_database_sorts_otherwise_are_all_compared(self, monkeypatch):
        numbers = [f"{number:03}" for number in range(60)]
        silently(*numbers)
        filled()
        page = filling.look_up_page

        # Each page of the owner ends with a high key, so that its range has nearly all rows here.
        pages = [[*numbers[start : start + 5], str(50 + start // 5)] for start in range(0, 50, 5)]
        theirs = dict(zip(["", *(f"0{each[-1]}" for each in pages)], pages, strict=False))

        def mixed(reader, after, limit):
            found = page(reader, "", 1000)
            return {key.zfill(3): found[key.zfill(3)] for key in theirs.get(after, [])}

        monkeypatch.setattr(filling, "look_up_page", mixed)
        monkeypatch.setattr(verifying, "OWN_KEYS_MAX", 20)
        with writable_copies():
            COPIES.bulk_create(TicketCopy(number=number) for number in ("000x", "031x", "zz"))
        assert verified() == (dict.fromkeys(["000x", "031x", "zz"], "extra"), 0)

    def test_what_is_under_way_is_no_difference(self):
        sell("1", "2")
        steps.flow()
        change("1", title="new")
        remove("2")
        sell("3")
        steps.relay()
        assert verified(wait_s=0) == ({}, 3)
        steps.consume()
        assert verified() == ({}, 0)

    def test_a_row_that_changes_all_the_time_is_no_difference(self):
        silently("1", "2")
        filled()
        TICKETS.update(title="other")

        def change_again(_: float) -> None:
            TICKETS.filter(number="1").update(title=f"other {next(count)}")

        count = itertools.count()
        parts = list(verifying.verify(TicketCopy, sleep=change_again))
        assert [(each.differences, each.under_way) for each in parts] == [({"2": "changed"}, 1)]

    def test_it_waits_for_what_is_under_way(self, monkeypatch):
        sell("1")
        steps.relay()
        handled = []

        def consume_once(_: float) -> None:
            handled.append(steps.consume())

        parts = list(verifying.verify(TicketCopy, sleep=consume_once))
        assert [(each.differences, each.under_way) for each in parts] == [({}, 0)]
        assert handled


class TestOperated:
    """The command, the doctor and the metrics tell how a copy is."""

    def run(self, *arguments: str, **options) -> list[str]:
        out = StringIO()
        call_command("copies", *arguments, stdout=out, **options)
        return out.getvalue().splitlines()

    def found(self) -> str:
        return str(next(doctor.check("desk")))

    def test_a_copy_is_filled_verified_and_repaired(self):
        silently("1", "2")
        headings, row = self.run()
        assert headings.split()[:4] == ["copy", "of", "rows", "filled"]
        assert row.split()[:4] == ["kit_desk.Ticket", "tickets.ticket", "0", "never"]
        assert "was never filled" in self.found()
        fill = self.run("fill", "kit_desk.Ticket")
        assert fill == ["2 rows of the owner, 2 of them filled here. Done."]
        assert self.found().startswith("ok       Own copy kit_desk.Ticket: 2 rows, filled ")
        compared = "2 rows of the owner compared: none differs; 0 under way."
        assert self.run("verify", "kit_desk.Ticket") == [compared]
        with writable_copies():
            COPIES.filter(number="1").update(title="other")
        with pytest.raises(CommandError, match="Repair them"):
            self.run("verify", "kit_desk.Ticket")
        assert "1 row differed from the owner's" in self.found()
        assert self.run("verify", "kit_desk.Ticket", repair=True) == [
            "changed  1",
            "2 rows of the owner compared: 1 differ, repaired; 0 under way.",
        ]
        assert "verified" in self.found()

    def test_what_waits_is_shown(self):
        sell("1", "2")
        steps.relay()
        assert self.run()[1].split()[4:6] == ["2", "events"]

    def test_a_filling_that_was_ended_is_shown(self, monkeypatch):
        monkeypatch.setattr(filling, "ROWS_PER_PAGE", 1)
        silently("1", "2")
        next(filling.fill(TicketCopy))
        assert self.run()[1].split()[3:5] == ["under", "way"]
        assert "its filling was not completed, the last key was '1'" in self.found()

    def test_a_wrong_name_is_answered_with_the_right_one(self):
        for arguments in (["fill", "kit_desk.Tickt"], ["verify", "kit_desk.Tickt"]):
            with pytest.raises(CommandError, match="Did you mean"):
                self.run(*arguments)
        with pytest.raises(CommandError, match="copies fill NAME"):
            self.run("fill")

    def test_metrics(self):
        silently("1")
        filled()
        with writable_copies():
            COPIES.update(title="other")
        verified()
        values = {each.metric.name: each.value for each in metrics.samples("desk")}
        assert values["carveout_copy_filled"] == 1
        assert values["carveout_copy_differences"] == 1
        assert values["carveout_copy_verified_seconds"] < 60


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
class TestDeclared:
    """What can't be right is refused, and only Carveout writes."""

    def test_rows_are_read_only(self):
        sell("1")
        steps.flow()
        row = COPIES.get()
        for write in (
            row.save,
            row.delete,
            lambda: COPIES.create(number="9"),
            lambda: COPIES.update(title="x"),
            lambda: COPIES.all().delete(),
            lambda: COPIES.bulk_create([TicketCopy(number="9")]),
            lambda: COPIES.bulk_update([row], ["title"]),
        ):
            with pytest.raises(CopyIsReadOnly, match="Ticket is an own copy"):
                write()
        assert rows() == {"1": "Concert 1"}

    @pytest.mark.parametrize(
        ("options", "fields", "match"),
        [
            pytest.param({}, {}, "write class Bad", id="nothing"),
            pytest.param({"of": "ticket"}, {}, "write class Bad", id="no context"),
            pytest.param({"key": "title"}, {}, "must be its primary key", id="other key"),
            pytest.param({"on": ["desk.Moved"]}, {}, "not an event of tickets", id="other owner"),
            pytest.param(
                {}, {"title": models.CharField(unique=True, max_length=9)}, "unique", id="unique"
            ),
        ],
    )
    def test_a_declaration_that_can_not_be_right(self, options, fields, match):
        right = {"of": "tickets.ticket", "key": "number", "on": ["tickets.TicketSold"]}
        given = {} if match.startswith("write") and not options else right | options
        namespace = {
            "__module__": __name__,
            "number": models.CharField(max_length=9, primary_key=True),
            "Meta": type("Meta", (), {"app_label": "kit_desk"}),
            **fields,
        }
        with pytest.raises(DeclarationInvalid, match=match):
            type(carveout.Copy)("Bad", (carveout.Copy,), namespace, **given)

    def test_its_fields_are_part_of_the_readers_contract(self):
        from carveout.contracts import declared

        contract = declared.declared("desk")
        fields = contract.reads["tickets.ticket"]["tests.integration.kit.desk.models.Ticket"].fields
        assert {name: each.type for name, each in fields.items()} == {
            "number": "string",
            "title": "string",
            "price": "string decimal",
        }
        assert fields["title"].at.startswith("tests/integration/kit/desk/models.py:")
        assert "desk.copy_ticket" in contract.hears["tickets.TicketSold"]
