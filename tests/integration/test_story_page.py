"""The page of a story: who sees it, and how it tells what is not there."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.test import Client

import carveout
from carveout.models import LoggedEvent
from carveout.testing import drain
from orders.events import OrderCreated

URL = "/admin/carveout/story/"


@pytest.fixture
def staff(db: None) -> User:
    return User.objects.create_user("staff", is_staff=True)


@pytest.fixture
def client(staff: User) -> Client:
    """Somebody who may see the log."""
    staff.user_permissions.add(Permission.objects.get(codename="view_loggedevent"))
    client = Client()
    client.force_login(staff)
    return client


@pytest.fixture(autouse=True)
def inline(settings: Any) -> None:
    settings.CARVEOUT = {**settings.CARVEOUT, "DELIVERY": "inline"}


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def test_who_may_see_the_log_finds_the_page_in_the_index(client):
    assert URL in text(client.get("/admin/"))
    assert "There is no such story." in text(client.get(URL))


@pytest.mark.parametrize(
    ("name", "listed"),
    [("newest", True), ("slowest", True), ("under-way", True), ("failed", False), ("x", True)],
)
def test_without_a_question_stories_are_listed(client, name, listed):
    with transaction.atomic():
        event_id = carveout.publish(OrderCreated(order_number="A-404"))
    page = text(client.get(URL, {"list": name}))
    assert (f'<a href="?q={event_id}">orders.OrderCreated A-404</a>' in page) == listed
    assert ("at notifications.tell_by_email, notifications.tell_by_sms" in page) == listed
    chosen = "newest" if name == "x" else name
    assert re.findall(r'"\?list=([\w-]+)" aria-current="page"', page) == [chosen]
    assert "listed where these contexts are hosted" not in page


def test_a_list_names_the_contexts_that_it_does_not_show(client, settings):
    settings.CARVEOUT = {**settings.CARVEOUT, "HOSTED": ["orders", "shop"]}
    assert "Stories that began in notifications, reviews are listed where" in text(client.get(URL))


def test_who_may_not_sees_neither(staff, client):
    staff.user_permissions.clear()
    assert client.get(URL, {"q": "A-1"}).status_code == 403
    assert URL not in text(client.get("/admin/"))
    assert Client().get(URL).status_code == 302


@pytest.mark.parametrize("path", ["add/", "1/change/", "1/delete/"])
def test_there_is_nothing_to_change(client, path):
    assert client.get(f"{URL}{path}").status_code in (302, 403)
    assert client.post(f"{URL}{path}").status_code in (302, 403)


def test_a_story_that_failed_shows_its_error_and_its_traceback(client):
    with transaction.atomic():
        carveout.publish(OrderCreated(order_number="A-404"))
    with pytest.raises(carveout.errors.HandlerFailed):
        drain()
    page = text(client.get(URL, {"q": "A-404"}))
    assert "orders.OrderCreated A-404" in page
    assert "LookupNotFound" in page
    assert "<details" in page
    assert "<rect" in page
    assert 'data-follow="3"' in page
    assert "data-follow" not in text(client.get(URL, {"q": "A-404", "still": "1"}))
    assert "http-equiv" not in page  # it would close a traceback that is being read


def test_events_that_cause_each_other_on_and_on_are_all_shown(client):
    before = ""
    for number in range(60):
        row = LoggedEvent.objects.create(
            context="orders",
            type="orders.OrderCreated",
            key=f"A-{number}",
            data="{}",
            correlation_id="a-loop",
            causation_id=before,
        )
        before = str(row.event_id)
    page = text(client.get(URL, {"q": "a-loop"}))
    assert "60 events" in page
    titles = re.findall(r'is-event">.{0,200}story-title"[^>]*>orders.OrderCreated (A-\d+)<', page)
    assert titles == [f"A-{number}" for number in range(60)]


@pytest.mark.parametrize("query", ["\0", "A-1\0", "x" * 5000, "%", "' OR 1=1"])
def test_a_strange_query_finds_nothing(client, query):
    assert "Nothing found for" in text(client.get(URL, {"q": query}))


def test_what_was_sent_is_shown_and_not_obeyed(client):
    evil = '<script>alert("x")</script>'
    page = text(client.get(URL, {"q": evil}))
    assert "Nothing found for" in page
    assert evil not in page


def test_events_and_deliveries_lead_there(client, staff):
    staff.user_permissions.add(Permission.objects.get(codename="view_delivery"))
    with transaction.atomic():
        event_id = carveout.publish(OrderCreated(order_number="A-404"))
    with pytest.raises(carveout.errors.HandlerFailed):
        drain()
    for page in ("loggedevent", "delivery"):
        listed = text(client.get(f"/admin/carveout/{page}/"))
        (first, *_) = re.findall(rf'href="(/admin/carveout/{page}/\d+/[^"]*)"', listed)
        assert f"{URL}?q={event_id}" in text(client.get(first))


class TestNamesAreLinks:
    """Each leads to its page here, if the reader may see it and it is hosted here."""

    @pytest.fixture
    def failed(self, db: None) -> None:
        with transaction.atomic():
            carveout.publish(OrderCreated(order_number="A-404"))
        with pytest.raises(carveout.errors.HandlerFailed):
            drain()

    def links(self, client: Client) -> list[str]:
        page = text(client.get(URL, {"q": "A-404"}))
        story = page[page.index('<section class="story"') : page.index("</section>")]
        return [each.replace("&amp;", "&") for each in re.findall(r'href="([^"]+)"', story)]

    def test_all_of_them(self, failed, client, staff):
        staff.user_permissions.add(
            *Permission.objects.filter(codename__in=("view_delivery", "view_subscriptionrecord"))
        )
        links = self.links(client)
        for name, shown in (("loggedevent", "A-404"), ("delivery", "A-404"), ("map", "happens")):
            found = next(each for each in links if each.startswith(f"/admin/carveout/{name}/"))
            assert shown in text(client.get(found)), found
        assert "/admin/carveout/map/?after=orders.OrderCreated" in links
        listed = text(client.get("/admin/carveout/subscriptionrecord/"))
        rows = {each.partition("#")[2] for each in links if "#" in each}
        assert rows == {each for each in rows if f'<tr id="{each}"' in listed} != set()

    def test_not_to_what_the_reader_may_not_see(self, failed, client):
        assert {each.split("/")[3] for each in self.links(client)} == {"map", "loggedevent"}
