"""The lag of a subscription is the same wherever somebody looks, also after a repartitioning."""

import re

import pytest
from django.core.management import call_command

import carveout
from carveout.operations.contextmap.observed import observe
from carveout.operations.doctor import examine
from carveout.operations.metrics import prometheus
from carveout.subscriptions import status
from tests.integration.kit import steps
from tests.integration.kit.desk.models import note
from tests.integration.kit.tickets.services import announce, moves
from tests.integration.kit.web import Owner, serving

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("kit")]

KEYS = [f"T-{number}" for number in range(12)]
LAG = re.compile(r'^carveout_subscription_lag_events\{[^}]*"desk\.follow"[^}]*\} ([\d.]+)$', re.M)


def lags(client) -> dict[str, int | None]:
    """What each of those who tell the lag says; None where it says that it does not know."""
    texts = client.get("/admin/carveout/subscriptionrecord/live/").json()["texts"]
    (listed,) = client.get("/api/carveout/subscriptions/").json()
    lines = "\n".join(map(str, examine(["desk"])))
    found = re.search(r"desk\.follow on tickets: (?:(\d+) events behind|has handled)", lines)
    rest, metrics = (
        [each["events"] for each in listed["lag"]],
        LAG.findall(prometheus.text().decode()),
    )
    assert found or "desk.follow on tickets: its lag is not known" in lines, lines
    return {
        "admin": None if texts["desk.follow.lag"] == "unknown" else int(texts["desk.follow.lag"]),
        "REST": None if None in rest else sum(rest),
        "metrics": sum(map(float, metrics)) if metrics else None,
        "doctor": int(found[1] or 0) if found else None,
        "map": observe().subscriptions["desk.follow"].lag,
        "status": status.statuses(["desk"])[0].lag,
    }


@pytest.fixture
def behind(kit):
    """A subscription that has handled a part of each partition, and of which two are no more."""

    @carveout.subscribe("tickets.TicketMoved", start="beginning")
    def follow(event):
        note(event.key)

    kit.change("tickets", partitions=3)
    announce(each for key in KEYS for each in moves(key, 1))
    steps.flow()
    announce(each for key in KEYS for each in moves(key, 2))
    call_command("repartition", "tickets", to=1, yes=True, verbosity=0)
    announce(each for key in KEYS for each in moves(key, 1))
    steps.relay()
    kit.change("tickets", partitions=1)


def test_of_a_log_that_is_here(behind, admin_client):
    told = lags(admin_client)
    assert set(told.values()) == {3 * len(KEYS) + 3}, told


def test_of_a_log_that_lives_elsewhere(behind, kit, admin_client):
    kit.set(HOSTED=["desk"], LOOKUP_TIMEOUT_S=1.0)
    with serving(Owner("503 Service Unavailable")) as url:
        kit.change("tickets", url=url)
        told = lags(admin_client)
    assert set(told.values()) == {3 * len(KEYS) + 3}, told


def test_of_a_log_that_lives_elsewhere_whose_stream_is_lost(behind, kit, valkey, admin_client):
    steps.flow()
    kit.set(HOSTED=["desk"], LOOKUP_TIMEOUT_S=1.0)
    valkey.flush()
    with serving(Owner("503 Service Unavailable")) as url:
        kit.change("tickets", url=url)
        told = lags(admin_client)
    assert set(told.values()) == {None}, told
