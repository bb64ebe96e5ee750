"""The admin: what operators find, and what they may do, with a reason that is kept."""

import re
from collections.abc import Iterator

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.db import transaction

import carveout
from carveout.admin import overview
from carveout.eventlog import reader
from carveout.models import CopyState, Cursor, Delivery, LoggedEvent
from carveout.operations import audit
from carveout.subscriptions.copies import filling, keeping
from tests.integration.kit import steps
from tests.integration.kit.desk.models import Ticket, note, notes
from tests.integration.kit.tickets.services import announce, sell, sold

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("kit")]

ONE_ENGINE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""For what asks the database nothing that others do not ask too."""
LOG, ROWS = "/admin/carveout/loggedevent/", "/admin/carveout/delivery/"
MAP_LIVE = "/admin/carveout/map/live/"
GROUPS, SUBSCRIPTIONS = f"{ROWS}groups/", "/admin/carveout/subscriptionrecord/"


def rows(**filters: object):
    return Delivery.objects.using("kit").filter(**filters).order_by("subscription", "position")


def text(response) -> str:
    assert response.status_code == 200, response
    return response.content.decode()


@pytest.fixture(autouse=True)
def cheap_passwords(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def mended() -> list[bool]:
    return []


@pytest.fixture
def dead(kit, mended) -> None:
    """Three events are dead for one subscription and wait for another, with errors of their own."""
    kit.set(RETRY_BASE_S=1000)

    @carveout.subscribe("tickets.TicketSold", max_attempts=1)
    def print_ticket(event):
        if not mended:
            raise ValueError(f"no paper for {event.key}")
        note(f"print {event.key} {event.data['number']}")

    @carveout.subscribe("tickets.TicketSold")
    def stamp(event):
        if not mended:
            raise KeyError(event.key)

    announce(sold(3))
    steps.flow()
    assert rows().count() == 6


@pytest.fixture
def limited(client) -> Iterator:
    """Somebody who may see everything, and what a test gives them besides."""
    user = User.objects.create_user("otto", password="pw", is_staff=True)

    def with_permissions(*names: str):
        views = Permission.objects.filter(
            content_type__app_label="carveout", codename__startswith="view"
        )
        more = Permission.objects.filter(codename__in=names)
        user.user_permissions.set([*views, *more])
        client.force_login(user)
        return client

    return with_permissions


class TestLog:
    @pytest.fixture(autouse=True)
    def events(self, kit):
        announce(sold(3))
        steps.relay()

    def found(self, client, **query: str) -> set[str]:
        page = text(client.get(LOG, query))
        return {key for key in ("T-1", "T-2", "T-3") if f">{key}<" in page}

    def event(self) -> LoggedEvent:
        return LoggedEvent.objects.using("kit").get(key="T-2")

    def test_events_are_found_by_key_id_type_and_time(self, admin_client):
        assert self.found(admin_client) == {"T-1", "T-2", "T-3"}
        assert self.found(admin_client, q="T-2") == {"T-2"}
        assert self.found(admin_client, q=str(self.event().event_id)) == {"T-2"}
        assert self.found(admin_client, q="TicketSold") == {"T-1", "T-2", "T-3"}
        assert self.found(admin_client, type="tickets.TicketMoved") == set()
        assert self.found(admin_client, q=self.event().time.isoformat()) >= {"T-1", "T-2"}
        assert self.found(admin_client, until="1d") == set()
        assert self.found(admin_client, until="2001-01-01T00:00") == set()
        assert self.found(admin_client, q="nothing") == set()

    def test_a_page_leads_to_what_is_older(self, admin_client, monkeypatch):
        from carveout.admin.events import LoggedEventAdmin

        monkeypatch.setattr(LoggedEventAdmin, "list_per_page", 2)
        assert self.found(admin_client) == {"T-3", "T-2"}
        first = LoggedEvent.objects.using("kit").order_by("id").first()
        assert f"?before={first.pk}" in text(admin_client.get(LOG))
        assert self.found(admin_client, before=str(first.pk)) == {"T-1"}

    def test_what_has_no_index_is_looked_for_in_a_stretch(self, admin_client, monkeypatch):
        from carveout.eventlog import search

        monkeypatch.setattr(search, "SCAN_WINDOW", 1)
        page = text(admin_client.get(LOG, {"type": "tickets.TicketSold"}))
        assert "Search further back" in page
        assert self.found(admin_client, type="tickets.TicketSold") == {"T-3"}

    def test_an_order_of_ones_own_is_not_heeded(self, admin_client):
        assert self.found(admin_client, o="2") == {"T-1", "T-2", "T-3"}

    def test_an_event_is_shown_safely_with_its_links(self, admin_client):
        evil = LoggedEvent.objects.using("kit").filter(pk=self.event().pk)
        evil.update(data='{"name": "<script>alert(1)</script>"}', carries="a.b", carried='{"n": 1}')
        page = text(admin_client.get(f"{LOG}{self.event().pk}/change/"))
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert(1)" not in page
        assert "<summary>a.b, 8 characters</summary>" in page
        assert f"?correlation={self.event().event_id}" in page
        assert self.found(admin_client, correlation=self.event().event_id) == {"T-2"}


@ONE_ENGINE
class TestHandling:
    """The list of events shows which subscriptions have handled each of them."""

    def cells(self, client) -> dict[str, str]:
        """What each event's row says about its subscriptions, by the event's key."""
        row = r'field-key">(.*?)</td>.*?field-subscriptions">(.*?)</td>'
        return dict(re.findall(row, text(client.get(LOG)), re.DOTALL))

    def test_what_is_not_handled_comes_first(self, admin_client, dead):
        @carveout.subscribe("tickets.TicketSold")
        def file(event): ...

        steps.consume()
        sell("U-1")
        rows(subscription="desk.stamp", key="T-2").update(state="trying")
        rows(subscription="desk.print_ticket", key="T-3").delete()
        cells = self.cells(admin_client)
        assert cells["T-1"] == (
            'desk.print_ticket <strong class="carveout-dead">dead</strong>, '
            'desk.stamp <strong class="carveout-waiting">waiting</strong>, desk.file'
        )
        assert ">recovering</strong>, desk.file" in cells["T-2"]
        assert cells["T-3"].endswith(", desk.file, desk.print_ticket")
        assert cells["U-1"].count(">waiting</strong>") == 3, "it has no position yet"

    def test_of_many_it_shows_few_and_all_on_hover(self, admin_client, kit):
        for name in "abcde":
            carveout.subscribe("tickets.TicketSold", name=name)(lambda event: None)
        sell("T-1")
        steps.flow()
        (cell,) = self.cells(admin_client).values()
        assert cell.startswith("desk.a, desk.b, desk.c, <span title=")
        assert "desk.e: handled" in cell and cell.endswith(">2 more</span>")


class TestOverview:
    FIRST = "/admin/carveout/"

    def test_it_shows_what_is_wrong_what_waits_and_what_failed_last(self, admin_client, dead):
        page = text(admin_client.get(self.FIRST))
        assert "<strong>3</strong> deliveries waiting" in page
        assert '?state__exact=dead"><strong>3</strong> deliveries dead' in page
        wrong = page.partition("Needs somebody")[2].partition("<h2>Now")[0]
        assert "Deliveries of desk.print_ticket: 3 dead of" in wrong
        assert "carveout-error" in wrong and "Fix: fix the cause, then run" in wrong
        failed = page.partition("Failed last")[2]
        assert failed.count(">story</a>") == 6
        assert ">ValueError: no paper for T-1<" in failed
        assert "/admin/carveout/map/" in failed, "the list of all pages"

    def test_pages_are_in_the_order_of_use_and_internals_last(self, admin_client, kit):
        shown = text(admin_client.get(self.FIRST))
        pages = re.findall(r'<a href="/admin/carveout/(\w+)/">', shown.partition("content-main")[2])
        assert pages[:5] == ["map", "story", "delivery", "subscriptionrecord", "loggedevent"]
        assert pages[-2:] == ["cursor", "partition"]
        assert len(pages) == len({*pages})
        assert shown.index(">Internals<") < shown.rindex("/admin/carveout/cursor/")

    def test_it_looks_for_failures_among_the_newest_attempts(self, admin_client, dead, monkeypatch):
        monkeypatch.setattr(overview, "ATTEMPTS_READ", 2)
        failed = text(admin_client.get(self.FIRST)).partition("Failed last")[2]
        assert failed.count(">story</a>") == 2

    def test_who_may_not_see_deliveries_sees_only_the_list_of_pages(self, limited, dead):
        client = limited()
        assert "Needs somebody" in text(client.get(self.FIRST))
        user = User.objects.get(username="otto")
        user.user_permissions.set(Permission.objects.filter(codename="view_loggedevent"))
        assert "Needs somebody" not in text(client.get(self.FIRST))


class TestGroups:
    def test_errors_that_are_alike_are_one_group(self, admin_client, dead):
        page = text(admin_client.get(GROUPS))
        assert page.count('name="group"') == 2
        assert "no paper for &lt;n&gt;" in page
        assert "desk.print_ticket" in page

    def test_a_row_shows_its_own_error(self, admin_client, dead):
        page = text(admin_client.get(ROWS))
        for key in ("T-1", "T-2", "T-3"):
            assert f"ValueError: no paper for {key}" in page
        assert "&lt;n&gt;" not in page

    def test_a_group_leads_to_its_rows(self, admin_client, dead):
        alike = rows(subscription="desk.stamp").first().alike
        page = text(admin_client.get(ROWS, {"alike": alike}))
        assert page.count('name="_selected_action"') == 3

    def test_a_group_is_retried_with_a_reason(self, admin_client, admin_user, dead, mended):
        group = f"kit:{rows(subscription='desk.print_ticket').first().alike}"
        chosen = {"action": "retry", "group": group}
        assert "Retry 3 deliveries?" in text(admin_client.post(GROUPS, chosen))
        assert "This field is required" in text(admin_client.post(GROUPS, {**chosen, "reason": ""}))
        assert not LogEntry.objects.exists()
        mended.append(True)
        assert admin_client.post(GROUPS, {**chosen, "reason": "paper came"}).status_code == 302
        steps.consume()
        assert len(notes()) == 3
        entries = LogEntry.objects.filter(user=admin_user)
        assert {each.change_message for each in entries} == {"Retried. Reason: paper came"}
        assert entries.count() == 3

    def test_a_click_that_changes_nothing_says_why(self, admin_client, dead):
        group = f"kit:{rows(subscription='desk.print_ticket').first().alike}"
        chosen = {"action": "discard", "group": group, "reason": "too old"}
        admin_client.post(GROUPS, chosen)
        for again in (chosen, {**chosen, "reason": ""}):
            told = text(admin_client.post(GROUPS, again, follow=True))
            assert "these deliveries were handled, retried or discarded meanwhile" in told
        told = text(admin_client.post(GROUPS, {"action": "retry"}, follow=True))
        assert "Nothing was done: select at least one group." in told
        told = text(admin_client.post(GROUPS, {"group": group}, follow=True))
        assert "Nothing was done: select an action." in told
        assert LogEntry.objects.count() == 3

    def test_very_many_have_one_entry_that_names_them_all(self, admin_client, dead, monkeypatch):
        monkeypatch.setattr(audit, "ENTRIES_MAX", 2)
        group = f"kit:{rows(subscription='desk.print_ticket').first().alike}"
        admin_client.post(GROUPS, {"action": "discard", "group": group, "reason": "too old"})
        (entry,) = LogEntry.objects.all()
        assert entry.change_message.startswith("Discarded. Reason: too old")
        assert entry.change_message.count("desk.print_ticket of tickets.0:") == 3

    def test_a_script_gets_the_numbers(self, admin_client, dead):
        answer = admin_client.get(f"{GROUPS}live/").json()
        name = f"kit:{rows(subscription='desk.print_ticket').first().alike}"
        assert name in answer["rows"]
        assert answer["texts"][f"{name}.dead"] == "3"


class TestRows:
    def test_chosen_rows_are_discarded_after_a_confirmation(self, admin_client, dead):
        chosen = rows(subscription="desk.stamp").first()
        choice = {"action": "discard", "_selected_action": str(chosen.pk), "index": "0"}
        page = text(admin_client.post(ROWS, choice))
        assert "Discard 1 delivery?" in page
        assert rows().count() == 6
        del choice["index"]
        admin_client.post(ROWS, {**choice, "reason": "too old", "select_across": "0"})
        assert rows().count() == 5
        (entry,) = LogEntry.objects.all()
        assert (entry.object_id, entry.change_message) == (
            str(chosen.pk),
            "Discarded. Reason: too old",
        )

    def test_all_that_a_filter_leaves_are_retried(self, admin_client, dead):
        url = f"{ROWS}?state__exact=dead"
        one = str(rows(state="dead").first().pk)
        choice = {"action": "retry", "_selected_action": one, "select_across": "1"}
        assert "Retry 3 deliveries?" in text(admin_client.post(url, choice))
        admin_client.post(url, {**choice, "reason": "paper came"})
        assert rows(state="dead").count() == 0
        assert rows(attempts=0).count() == 3

    def test_a_row_is_shown_with_its_stack_and_found_by_key(self, admin_client, dead):
        row = rows(subscription="desk.print_ticket", key="T-2").get()
        page = text(admin_client.get(f"{ROWS}{row.pk}/change/?database=kit"))
        assert "no paper for T-2" in page
        assert "Traceback (most recent call last)" in page
        found = text(admin_client.get(ROWS, {"q": "T-2"}))
        assert found.count('name="_selected_action"') == 2

    @ONE_ENGINE
    def test_error_own_line_and_actions_come_before_all_else(self, admin_client, dead):
        row = rows(subscription="desk.print_ticket", key="T-2").get()
        page = text(admin_client.get(f"{ROWS}{row.pk}/change/?database=kit"))
        top, folded = page.split("<fieldset", 1)
        said, line, acts, own, whole = (
            "<strong>builtins.ValueError</strong>",
            "raise ValueError(f&quot;no paper for {event.key}&quot;)</pre>",
            'value="discard"',
            "Stack, own code only",
            "Whole stack",
        )
        places = [top.index(each) for each in (said, line, acts, own, whole)]
        assert places == sorted(places)
        assert re.search(r"<code>tests/integration/kit/test_admin\.py:\d+</code> in print_", top)
        assert "call_handler" not in top[places[3] : places[4]]
        assert "call_handler" in top[places[4] :]
        assert "Event as it was received" in folded
        assert "Due at" not in page
        waits = rows(subscription="desk.stamp").first()
        assert "Due at" in text(admin_client.get(f"{ROWS}{waits.pk}/change/?database=kit"))

    @ONE_ENGINE
    def test_a_state_is_a_word_with_its_sentence_on_hover(self, admin_client, dead):
        rows(key="T-1", subscription="desk.stamp").update(state="trying")
        page = text(admin_client.get(ROWS))
        assert page.count('<span title="given up; retry or discard it">dead</span>') == 4, (
            "one of a filter"
        )
        recovering = text(admin_client.get(ROWS, {"state__exact": "trying"}))
        assert recovering.count('name="_selected_action"') == 1
        assert 'after a consumer died there">recovering</span>' in recovering

    @ONE_ENGINE
    def test_an_error_is_shortened_and_whole_on_hover(self, admin_client, dead):
        rows(key="T-1").update(error="<b>" + "long " * 50 + "end\nsecond line")
        page = text(admin_client.get(ROWS, {"state__exact": "dead"}))
        assert re.search(r">ValueError: &lt;b&gt;(long )+long…</span>", page)
        assert re.search(r'title="builtins.ValueError: &lt;b&gt;(long )+end\nsecond line"', page)

    @ONE_ENGINE
    def test_subscriptions_are_filtered_by_a_part_of_their_name(self, admin_client, dead):
        @carveout.subscribe("tickets.TicketSold")
        def stamp_twice(event): ...

        moved = rows(subscription="desk.stamp").first()
        rows(pk=moved.pk).update(subscription="desk.stamp_twice")
        gone = rows(subscription="desk.print_ticket").first()
        rows(pk=gone.pk).update(subscription="desk.gone")

        def count(**query: str) -> int:
            return text(admin_client.get(ROWS, query)).count('name="_selected_action"')

        assert count(subscription="STAMP") == 3
        assert count(subscription="desk.stamp") == 2, "a whole name is only that one"
        assert count(subscription="desk.gone") == 1, "no longer declared"
        assert count(subscription="nothing") == 0
        page = text(admin_client.get(ROWS, {"state__exact": "dead", "subscription": "stamp"}))
        assert '<option value="desk.stamp_twice">' in page
        box = page.split('<form method="get" class="carveout-jump">')[1].split("</form>")[0]
        assert '<input type="hidden" name="state__exact" value="dead">' in box
        assert 'name="subscription" value="stamp"' in box

    @ONE_ENGINE
    def test_without_any_there_is_nothing_to_choose_from(self, admin_client, kit):
        page = text(admin_client.get(ROWS))
        assert "Nothing has failed." in page
        for absent in ('name="action"', "changelist-filter", "searchbar", "0 deliveries"):
            assert absent not in page
        assert "Search events</span></label>" in text(admin_client.get(LOG))

    @ONE_ENGINE
    @pytest.mark.parametrize("act", ["retry", "discard"])
    def test_thousands_separators_do_not_reach_ids(self, admin_client, dead, settings, act):
        settings.LANGUAGE_CODE, settings.USE_THOUSAND_SEPARATOR = "de", True
        rows(subscription="desk.print_ticket", key="T-2").update(id=41237)
        page = text(admin_client.get(f"{ROWS}41237/change/?database=kit"))
        assert 'name="_selected_action" value="41237"' in page
        choice = {"action": act, "_selected_action": "41237"}
        question = text(admin_client.post(ROWS, choice))
        assert 'name="_selected_action" value="41237"' in question
        assert admin_client.post(ROWS, {**choice, "reason": "paper"}).status_code == 302
        assert not rows(id=41237, state="dead").exists()

    def test_a_copy_is_edited_and_retried(self, admin_client, dead, mended):
        row = rows(subscription="desk.print_ticket", key="T-2").get()
        url = f"{ROWS}{row.pk}/edit/?database=kit"
        assert "T-2" in text(admin_client.get(url))
        for wrong, told in (
            ("{", "not valid JSON"),
            ("[]", "JSON object"),
            ('{"number": "T-9"}', "must stay"),
            ('{"number": 2}', "does not fit"),
            ('{"number": "T-2", "other": 1}', "no field other"),
        ):
            page = text(admin_client.post(url, {"event_data": wrong, "reason": "typo"}))
            assert told in page, wrong
        mended.append(True)
        good = '{"number": "T-2"}'
        answer = admin_client.post(url, {"event_data": good, "reason": "typo"})
        assert answer.status_code == 302
        steps.consume()
        assert notes() == ["print T-2 T-2"]
        (entry,) = LogEntry.objects.all()
        assert "Reason: typo" in entry.change_message
        assert "Was: {" in entry.change_message


@ONE_ENGINE
class TestPermissions:
    """Each act has its own, and a forged request is refused."""

    @pytest.mark.parametrize("act", ["retry", "discard"])
    def test_an_act_on_deliveries_needs_its_permission(self, limited, dead, act):
        row = rows(subscription="desk.print_ticket").first()
        client = limited(*({"retry_delivery", "discard_delivery"} - {f"{act}_delivery"}))
        assert f'value="{act}"' not in text(client.get(ROWS))
        assert f'value="{act}"' not in text(client.get(GROUPS))
        assert f'value="{act}"' not in text(client.get(f"{ROWS}{row.pk}/change/"))
        forged = {"action": act, "reason": "because"}
        assert client.post(ROWS, {**forged, "_selected_action": row.pk}).status_code == 403
        assert client.post(GROUPS, {**forged, "group": f"kit:{row.alike}"}).status_code == 403
        assert client.get(f"{ROWS}{row.pk}/edit/").status_code == 403
        assert rows(state="dead").count() == 3

    def test_an_act_on_subscriptions_needs_its_permission(self, limited, dead):
        client = limited()
        page = text(client.get(SUBSCRIPTIONS))
        assert "desk.stamp" in page
        assert 'value="pause"' not in page
        assert "/replay/" not in page
        forged = {"subscription": "desk.stamp", "reason": "because"}
        for act in ("pause", "resume"):
            assert client.post(SUBSCRIPTIONS, {**forged, "action": act}).status_code == 403
        assert client.post(f"{SUBSCRIPTIONS}desk.stamp/replay/").status_code == 403

    def test_who_may_not_see_a_page_sees_none_of_its_numbers(self, client):
        user = User.objects.create_user("eve", password="pw", is_staff=True)
        client.force_login(user)
        urls = (LOG, ROWS, GROUPS, f"{GROUPS}live/", SUBSCRIPTIONS, f"{SUBSCRIPTIONS}live/")
        assert [client.get(url).status_code for url in urls] == [403] * len(urls)

    def test_the_map_links_dead_deliveries_for_those_who_may_see_them(
        self, admin_client, client, dead
    ):
        def lines(by) -> list[dict[str, str]]:
            return by.get(MAP_LIVE).json()["troubles"]["context:desk"]["lines"]

        assert "3 dead of TicketSold" in lines(admin_client)[0]["text"]
        page = text(admin_client.get(lines(admin_client)[0]["url"]))
        assert "3 deliveries" in page and "desk.print_ticket" in page

        user = User.objects.create_user("eve", password="pw", is_staff=True)
        user.user_permissions.add(Permission.objects.get(codename="view_loggedevent"))
        client.force_login(user)
        assert "url" not in lines(client)[0]


@ONE_ENGINE
class TestSubscriptions:
    @pytest.fixture(autouse=True)
    def behind(self, kit):
        """One subscription on two partitions has heard one event of five."""
        kit.change("tickets", partitions=2)

        @carveout.subscribe("tickets.TicketSold")
        def ear(event):
            note(event.key)

        announce(sold(1))
        steps.flow()
        announce(sold(5)[1:])
        steps.relay()

    def test_what_is_wrong_comes_first_and_the_rest_by_context(self, admin_client):
        @carveout.subscribe("tickets.TicketMoved")
        def eye(event): ...

        steps.consume()
        page = text(admin_client.get(SUBSCRIPTIONS))
        assert "Look at these first" not in page
        assert "2 subscriptions: lag 0, waiting 0, queued 0, dead 0" in page
        self.act(admin_client, "pause")
        announce(sold(6)[5:])
        steps.relay()
        first, desk = text(admin_client.get(SUBSCRIPTIONS)).split('class="carveout-heading"')[1:]
        assert "Look at these first" in first and 'data-name="desk.ear"' in first
        assert "2 subscriptions: lag 2, waiting 0, queued 0, dead 0" in desk
        assert 'data-name="desk.eye"' in desk and 'data-name="desk.ear"' not in desk

    def act(self, client, act: str, reason: str = "printer on fire"):
        chosen = {"action": act, "subscription": "desk.ear"}
        assert f"{act.capitalize()}?" in text(client.post(SUBSCRIPTIONS, chosen))
        return client.post(SUBSCRIPTIONS, {**chosen, "reason": reason}, follow=True)

    def test_a_row_tells_lag_and_oldest_of_all_partitions(self, admin_client):
        page = text(admin_client.get(SUBSCRIPTIONS))
        assert "2 partitions" in page
        answer = admin_client.get(f"{SUBSCRIPTIONS}live/").json()
        assert answer["texts"]["desk.ear.lag"] == "4"
        assert answer["counts"] == {"desk.ear.rate": 1}
        assert answer["texts"]["desk.ear.oldest"].endswith("s")
        steps.consume()
        answer = admin_client.get(f"{SUBSCRIPTIONS}live/").json()
        assert answer["texts"]["desk.ear.lag"] == "0"

    def test_a_partition_that_has_stopped_is_told_above_them(self, admin_client):
        with transaction.atomic(using="kit"):
            reader.stop(reader.head_row("tickets", 1), "Run `manage.py epoch tickets`.")
        page = text(admin_client.get(SUBSCRIPTIONS))
        assert re.search(r"tickets\.1 stopped \d+ s ago\. Run `manage.py epoch tickets`\.", page)
        reader.new_epoch("tickets", 1)
        assert "stopped" not in text(admin_client.get(SUBSCRIPTIONS))

    def test_it_is_paused_with_a_reason_and_resumed(self, admin_client):
        page = text(self.act(admin_client, "pause"))
        assert "by admin: printer on fire" in page
        steps.consume()
        assert notes() == ["T-1"]
        self.act(admin_client, "resume", "new printer")
        steps.consume()
        assert len(notes()) == 5
        entries = LogEntry.objects.order_by("pk").values_list("object_repr", "change_message")
        assert list(entries) == [
            ("desk.ear in kit", "Paused. Reason: printer on fire"),
            ("desk.ear in kit", "Resumed. Reason: new printer"),
        ]

    def test_it_is_replayed_after_saying_what_comes_again(self, admin_client):
        steps.consume()
        url = f"{SUBSCRIPTIONS}desk.ear/replay/"
        assert "From" in text(admin_client.get(url))
        assert "neither a position" in text(admin_client.post(url, {"start": "soon"}))
        page = text(admin_client.post(url, {"start": "1"}))
        assert "In total: 5 events handled again." in page
        assert len(notes()) == 5
        sent = {"start": "1", "reason": "lost the paper"}
        assert admin_client.post(url, sent).status_code == 302
        steps.consume()
        assert len(notes()) == 10
        (entry,) = LogEntry.objects.all()
        assert "Reason: lost the paper" in entry.change_message

    def test_without_redis_nothing_is_replayed_and_it_is_said(self, admin_client, valkey):
        steps.consume()
        valkey.stop()
        sent = {"start": "1", "reason": "lost the paper"}
        page = text(admin_client.post(f"{SUBSCRIPTIONS}desk.ear/replay/", sent, follow=True))
        assert "Not replayed: Redis did not answer" in page
        assert sum(Cursor.objects.using("kit").values_list("position", flat=True)) == 5
        assert not LogEntry.objects.exists()

    def test_one_without_a_cursor_is_not_paused(self, admin_client):
        @carveout.subscribe("tickets.TicketSold")
        def late(event): ...

        chosen = {"action": "pause", "subscription": "desk.late", "reason": "x"}
        page = text(admin_client.post(SUBSCRIPTIONS, chosen, follow=True))
        assert "has no cursor yet" in page
        assert "not started" in page
        assert admin_client.post(SUBSCRIPTIONS, {**chosen, "subscription": "x"}).status_code == 404


@ONE_ENGINE
class TestAwayFromHere:
    """The log of another deployment: its stream tells, or nobody does."""

    @pytest.fixture(autouse=True)
    def elsewhere(self, kit):
        @carveout.subscribe("tickets.TicketSold")
        def ear(event):
            note(event.key)

        announce(sold(1))
        steps.flow()
        announce(sold(3)[1:])
        steps.relay()
        kit.change("tickets", url="http://127.0.0.1:9/internal", database="default")
        kit.set(HOSTED=["desk"])

    def texts(self, client) -> dict[str, str]:
        return client.get(f"{SUBSCRIPTIONS}live/").json()["texts"]

    def test_the_lag_is_read_off_its_stream(self, admin_client):
        assert self.texts(admin_client)["desk.ear.lag"] == "2"
        assert self.texts(admin_client)["desk.ear.oldest"].endswith("s")

    def test_it_is_unknown_if_nobody_can_say(self, admin_client, valkey):
        valkey.flush()
        assert self.texts(admin_client)["desk.ear.lag"] == "unknown"


@ONE_ENGINE
class TestSeveralDatabases:
    """Contexts of one process may have databases of their own."""

    @pytest.fixture(autouse=True)
    def another(self, kit, dead):
        kit.change("tickets", database="default")
        row = rows(subscription="desk.stamp").first()
        row.pk, row.subscription = None, "tickets.count"
        row.save(using="default", force_insert=True)

    def test_errors_of_all_are_shown_and_acted_on_apart(self, admin_client):
        page = text(admin_client.get(GROUPS))
        assert page.count('name="group"') == 3
        alike = rows(subscription="desk.stamp").first().alike
        chosen = {"action": "discard", "group": f"default:{alike}", "reason": "twice"}
        admin_client.post(GROUPS, chosen)
        assert not Delivery.objects.using("default").exists()
        assert rows().count() == 6

    def test_rows_are_those_of_the_chosen_one(self, admin_client):
        page = text(admin_client.get(ROWS, {"database": "kit"}))
        assert page.count('name="_selected_action"') == 6
        page = text(admin_client.get(ROWS))
        assert page.count('name="_selected_action"') == 1
        assert "?database=kit" in page
        row = rows().first()
        of_list = {"_changelist_filters": "database=kit"}
        page = text(admin_client.get(f"{ROWS}{row.pk}/change/", of_list))
        assert row.subscription in page
        one = {"action": "discard", "_selected_action": str(row.pk), "reason": "twice"}
        admin_client.post(f"{ROWS}?database=kit", one)
        assert rows().count() == 5

    def test_one_without_rows_leads_to_the_others(self, admin_client):
        Delivery.objects.using("default").all().delete()
        page = text(admin_client.get(ROWS))
        assert "Nothing has failed" not in page
        assert "?database=kit" in page


@ONE_ENGINE
class TestByCommand:
    def test_an_account_that_is_named_is_in_the_audit(self, admin_user, dead):
        options = ("--state", "dead", "--yes", "--reason", "paper came", "--by", "admin")
        call_command("deliveries", "retry", *options)
        messages = {each.change_message for each in LogEntry.objects.filter(user=admin_user)}
        assert messages == {"Retried. Reason: paper came"}

    def test_without_an_account_the_log_names_who_and_why(self, dead, caplog):
        caplog.set_level("INFO", "carveout.audit")
        call_command("deliveries", "discard", "--all", "--yes", "--reason", "too old")
        (line,) = (each.message for each in caplog.records if each.name == "carveout.audit")
        assert "discarded desk." in line
        assert "desk.print_ticket of tickets.0:1 in kit" in line
        assert line.endswith(": too old")
        assert not LogEntry.objects.exists()

    def test_a_replay_is_in_the_audit(self, admin_user, dead):
        options = ("--from", "1", "--yes", "--reason", "again", "--by", "admin")
        call_command("replay", "desk.stamp", *options)
        (entry,) = LogEntry.objects.all()
        assert "handled again" in entry.change_message
        assert Cursor.objects.using("kit").get(subscription="desk.stamp").position == 0


@ONE_ENGINE
class TestOwnCopies:
    """The list of own copies."""

    def page(self, client) -> str:
        return re.sub(r"<[^>]+>", " ", text(client.get("/admin/carveout/copystate/")))

    def test_each_is_shown_with_its_rows_and_what_waits(self, admin_client):
        keeping.declare(Ticket)
        steps.flow()
        sell("T-1", "T-2")
        steps.flow()
        list(filling.fill(Ticket))
        sell("T-3")
        steps.relay()
        cells = self.page(admin_client).split("kit_desk.Ticket")[1].split()
        assert cells[:3] == ["tickets.ticket", "2", "1"]

    def test_one_that_no_code_declares_any_more_is_named(self, admin_client):
        CopyState.objects.using("kit").create(model="kit_desk.Gone")
        assert "no longer declared" in self.page(admin_client).split("kit_desk.Gone")[1]

    def test_only_who_may_view_it_sees_it(self, client):
        client.force_login(User.objects.create_user("eve", password="pw", is_staff=True))
        assert client.get("/admin/carveout/copystate/").status_code == 403
