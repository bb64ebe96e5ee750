"""A long log: on PostgreSQL no page of the admin reads it from end to end."""

from collections.abc import Iterator

import pytest
from django.db import connections

from carveout.eventlog import reader, search
from carveout.models import LoggedEvent
from tests.integration.kit.test_admin import GROUPS, LOG, ROWS, SUBSCRIPTIONS

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("kit"),
    pytest.mark.parametrize("database", ["postgres"], indirect=True),
]

ROWS_IN_LOG = 20_000
FILL = """
    INSERT INTO carveout_loggedevent (
        context, partition, position, event_id, type, version, key, time, data,
        carries, carried, correlation_id, causation_id, traceparent)
    SELECT 'tickets', 0, number, id, 'tickets.TicketSold', 1, 'T-' || number / 3,
        now() - make_interval(secs => %s - number), '{}', '', '', '', '', ''
    FROM (SELECT number, gen_random_uuid() AS id FROM generate_series(1, %s) AS number) AS numbered
"""


@pytest.fixture
def events(kit, monkeypatch) -> list[LoggedEvent]:
    """A log that is long compared with a stretch. Gives: its events, in order."""
    monkeypatch.setattr(search, "SCAN_WINDOW", 500)
    reader.create_partitions("tickets")
    with connections["kit"].cursor() as cursor:
        cursor.execute(FILL, [ROWS_IN_LOG, ROWS_IN_LOG])
        cursor.execute("ANALYZE carveout_loggedevent")
    return list(LoggedEvent.objects.using("kit").order_by("id"))


@pytest.fixture
def plans(events) -> Iterator[list[str]]:
    """The plan of each query on the log that is made from now on."""
    found: list[str] = []

    def watch(execute, sql, params, many, context):
        if "carveout_loggedevent" in sql and sql.startswith("SELECT"):
            with connections["kit"].connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {sql}", params)
                found.append("\n".join(line for (line,) in cursor.fetchall()))
        return execute(sql, params, many, context)

    with connections["kit"].execute_wrapper(watch):
        yield found


def queries(events: list[LoggedEvent]) -> dict[str, dict[str, str]]:
    middle = events[ROWS_IN_LOG // 2]
    return {
        "list": {},
        "key": {"q": middle.key},
        "no such key": {"q": "N-nothing"},
        "event id": {"q": str(middle.event_id)},
        "type": {"type": "tickets.TicketSold"},
        "a type that is nowhere": {"type": "tickets.TicketMoved"},
        "context": {"context": "tickets"},
        "time": {"until": middle.time.isoformat()},
        "correlated": {"correlation": str(middle.event_id)},
    }


def test_every_query_of_the_list_uses_an_index(admin_client, events, plans):
    for name, query in queries(events).items():
        plans.clear()
        response = admin_client.get(LOG, query)
        assert response.status_code == 200, (name, response)
        assert plans, name
        for plan in plans:
            assert "Index" in plan, f"{name}:\n{plan}"
            assert "Seq Scan" not in plan, f"{name}:\n{plan}"


def test_other_pages_read_single_events_of_it(admin_client, events, plans):
    for url in (SUBSCRIPTIONS, GROUPS, ROWS, f"{LOG}{events[7].pk}/change/"):
        assert admin_client.get(url).status_code == 200
    assert [plan for plan in plans if "Seq Scan" in plan] == []


def test_a_time_is_found_between_its_neighbours(events, database):
    at = events[1234]
    assert search.id_at("kit", at.time) == at.pk
    assert search.id_at("kit", events[0].time.replace(year=2000)) == 0
    LoggedEvent.objects.using("kit").filter(id__gt=at.pk - 50, id__lt=at.pk + 50).delete()
    found = search.id_at("kit", at.time)
    assert at.pk - 50 <= found < at.pk + 50
