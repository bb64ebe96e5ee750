"""Times without USE_TZ, which are those of TIME_ZONE and travel with their offset; and on pages,
where all are in one zone, and the page names it."""

import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

import carveout
from carveout.conf.time_zones import in_utc, native
from carveout.eventlog import reader, sequencer
from carveout.events import codec
from carveout.events.event import PartitionRef
from carveout.models import Delivery, LoggedEvent, Seam
from tests.integration.kit import steps
from tests.integration.kit.tickets.services import sell

PARTITION = PartitionRef("tickets", 0)


@pytest.fixture
def local(kit, settings):
    settings.USE_TZ, settings.TIME_ZONE = False, "Europe/Berlin"
    sell("T-1")
    sequencer.sequence("tickets", 10)
    return kit


def test_an_events_time_is_like_those_of_models(local):
    (event,) = reader.read("tickets", 0, 0, 10)
    assert timezone.now() - event.time < timedelta(minutes=1)
    (row,) = reader.rows("tickets", 0, 0, 10)
    sent = dict(zip(*[iter(codec.to_entry(PARTITION, row))] * 2, strict=True))
    assert datetime.fromisoformat(sent["time"]) == in_utc(event.time)
    read = {name.encode(): value.encode() for name, value in sent.items()}
    assert codec.from_entry(PARTITION, b"1-0", read).time == event.time
    since = datetime.now(UTC) - timedelta(hours=1)
    assert reader.position_before("tickets", 0, native(since)) == 0


def test_the_log_is_shown_and_asked_since_a_time(db, local):
    User.objects.create_superuser("root")
    client = Client()
    client.force_login(User.objects.get())
    admin = "/admin/carveout/loggedevent/"
    for query in ({}, {"until": "1h"}, {"q": "2026-01-31T12:00"}):
        assert client.get(admin, query).status_code == 200
    since = {"since": "2026-01-31T12:00:00+00:00"}
    assert client.get("/internal/events/tickets/0/", since).json()["before"] == 0


NAMED = "All times on this page are in Europe/Berlin."
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("use_tz", [True, False])
def test_all_times_of_a_page_are_in_one_zone_which_it_names(db, kit, settings, use_tz):
    """Not some with an offset, some without, and some in UTC."""
    settings.USE_TZ, settings.TIME_ZONE = use_tz, "Europe/Berlin"

    @carveout.subscribe("tickets.TicketSold")
    def refuse(event):
        raise ValueError("sold out")

    sell("T-1")
    steps.flow()
    row, event = Delivery.objects.using("kit").get(), LoggedEvent.objects.using("kit").get()
    LoggedEvent.objects.using("kit").update(time=timezone.now() - timedelta(days=3, minutes=90))
    Delivery.objects.using("kit").update(due_at=timezone.now() + timedelta(hours=26.5))
    row.refresh_from_db()
    event.refresh_from_db()
    seam = Seam.objects.using("kit").create(name="tickets.tell", changed_at=timezone.now())
    due, stored = (in_utc(time).astimezone(BERLIN) for time in (row.due_at, event.time))
    client = Client()
    client.force_login(User.objects.create_superuser("root"))

    def page(path, **query):
        answer = client.get(f"/admin/carveout/{path}", query)
        assert answer.status_code == 200
        return re.sub(r' datetime="[^"]*"', "", answer.content.decode())  # for programs

    pages = {
        "loggedevent/": stored,
        f"loggedevent/{event.pk}/change/": stored,
        "delivery/": due,
        f"delivery/{row.pk}/change/": due,
        "delivery/groups/": in_utc(row.parked_at).astimezone(BERLIN),
        "": None,
        "cursor/": None,
        **dict.fromkeys(("copystate/", "mismatch/", "seam/", f"seam/{seam.pk}/change/")),
    }
    for path, shown in pages.items():
        text = page(path)
        assert text.count(NAMED) == 1, path
        assert not re.search(r"\d[+-]\d\d:\d\d|UTC", text), path
        assert shown is None or f"{shown:%Y-%m-%d %H:%M:%S}." in text, path
    story = page("story/", q="T-1")
    assert story.count(NAMED) == 1
    assert "UTC" not in story
    assert f"{stored:%H:%M:%S}</time>" in story
    assert f"next attempt not before {due:%H:%M:%S}<" in story
    assert ">3 d 1 h ago</time>" in page("loggedevent/")
    assert f"{stored:%H:%M:%S}.{stored.microsecond // 1000:03}, 3 d 1 h ago<" in page(
        f"loggedevent/{event.pk}/change/"
    )
    assert page("delivery/").count(">in 1 d 2 h</time>") == 1
    live = client.get("/admin/carveout/map/live/").json()["at"]
    assert live.endswith(" Europe/Berlin")
    assert live[:2] == f"{datetime.now(BERLIN):%H}"
    out = StringIO()
    call_command("story", "T-1", stdout=out)
    assert f"next attempt not before {in_utc(due):%H:%M:%S} UTC" in out.getvalue()
    Delivery.objects.using("kit").update(state="dead")
    parked = in_utc(row.parked_at).astimezone(BERLIN)
    assert f"oldest since {parked:%F %T %Z}" in page("")
    assert ">in 1 d 2 h</time>" not in page("delivery/"), "it is not tried any more"
