"""Without USE_TZ: times are those of TIME_ZONE, on both databases alike, and travel with offset."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from carveout import entry, log, sequencer
from carveout.moment import in_utc, native
from tests.integration.kit.tickets.services import sell

PLACE = ("tickets", 0)


@pytest.fixture
def local(kit, settings):
    settings.USE_TZ, settings.TIME_ZONE = False, "Europe/Berlin"
    sell("T-1")
    sequencer.sequence("tickets", 10)
    return kit


def test_an_events_time_is_like_those_of_models(local):
    (event,) = log.read("tickets", 0, 0, 10)
    assert timezone.now() - event.time < timedelta(minutes=1)
    (row,) = log.rows("tickets", 0, 0, 10)
    sent = dict(zip(*[iter(entry.fields_of(PLACE, row))] * 2, strict=True))
    assert datetime.fromisoformat(sent["time"]) == in_utc(event.time)
    read = {name.encode(): value.encode() for name, value in sent.items()}
    assert entry.event_of(PLACE, b"1-0", read).time == event.time
    since = datetime.now(UTC) - timedelta(hours=1)
    assert log.position_before("tickets", 0, native(since)) == 0


def test_the_log_is_shown_and_asked_since_a_time(db, local):
    User.objects.create_superuser("root")
    client = Client()
    client.force_login(User.objects.get())
    admin = "/admin/carveout/loggedevent/"
    for query in ({}, {"until": "1h"}, {"q": "2026-01-31T12:00"}):
        assert client.get(admin, query).status_code == 200
    since = {"since": "2026-01-31T12:00:00+00:00"}
    assert client.get("/internal/events/tickets/0/", since).json()["before"] == 0
