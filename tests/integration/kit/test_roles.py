"""Who gets through which door of the admin, the REST of staff, and the internal REST: one table."""

from typing import Any, NamedTuple

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client

import carveout
from carveout import token
from carveout.models import Cursor, Delivery
from tests.integration.kit import steps
from tests.integration.kit.tickets.services import announce, sold

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

SIGN_IN = "sign in"
WHY = {"reason": "the printer has paper again"}
NAME = "desk.print_ticket"
ROLES = ("anonymous", "customer", "staff", "permitted", "without one", "superuser", "context")
"""`permitted` has exactly what the door needs; `without one` has all of the kit's others."""
ANSWERS = {
    #             anonymous customer staff permitted without-one superuser context
    "page": (SIGN_IN, SIGN_IN, 403, 200, 403, 200, SIGN_IN),
    "act": (SIGN_IN, SIGN_IN, 403, 302, 403, 302, SIGN_IN),
    "rest": (403, 403, 403, 200, 403, 200, 403),
    "internal": (401, 403, 403, 200, 403, 200, 200),
    "schema": (403, 403, 403, 200, 403, 200, 403),
    "metrics": (401, 401, 200, 200, 200, 200, 401),
    "dashboard": (SIGN_IN, 403, 403, 403, 403, 200, SIGN_IN),
    "open": (200,) * 7,
}


class Door(NamedTuple):
    kind: str
    path: str
    needs: tuple[str, ...] = ()
    post: dict[str, Any] | None = None


LOG, ROWS = "/admin/carveout/loggedevent/", "/admin/carveout/delivery/"
SUBSCRIPTIONS, REST = "/admin/carveout/subscriptionrecord/", "/api/carveout/"
EVENTS, DELIVERIES = ("view_loggedevent",), ("view_delivery",)
CURSORS, RECORDS = ("view_cursor",), ("view_subscriptionrecord",)


def chosen(act: str, **more: str) -> dict[str, Any]:
    return {"action": act, "_selected_action": "{id}", "subscription": NAME, **WHY, **more}


DOORS = [
    Door("page", LOG, EVENTS),
    Door("page", ROWS, DELIVERIES),
    Door("page", f"{ROWS}{{id}}/change/", DELIVERIES),
    Door("page", f"{ROWS}groups/", DELIVERIES),
    Door("page", f"{ROWS}groups/live/", DELIVERIES),
    Door("page", f"{ROWS}{{id}}/edit/", ("view_delivery", "edit_delivery")),
    Door("act", ROWS, ("view_delivery", "retry_delivery"), chosen("retry")),
    Door("act", ROWS, ("view_delivery", "discard_delivery"), chosen("discard")),
    Door("page", SUBSCRIPTIONS, RECORDS),
    Door("page", f"{SUBSCRIPTIONS}live/", RECORDS),
    Door("act", SUBSCRIPTIONS, (*RECORDS, "pause_subscription"), chosen("pause")),
    Door("page", f"{SUBSCRIPTIONS}{NAME}/replay/", (*RECORDS, "replay_subscription")),
    Door("page", "/admin/carveout/cursor/", CURSORS),
    Door("page", "/admin/carveout/map/", EVENTS),
    Door("page", "/admin/carveout/map/live/", EVENTS),
    Door("page", "/admin/carveout/story/?q=T-1", EVENTS),
    Door("rest", f"{REST}events/", EVENTS),
    Door("rest", f"{REST}events/{{event}}/", EVENTS),
    Door("rest", f"{REST}subscriptions/", CURSORS),
    Door("rest", f"{REST}subscriptions/{NAME}/", CURSORS),
    Door("rest", f"{REST}deliveries/", DELIVERIES),
    Door("rest", f"{REST}deliveries/desk/{{id}}/", DELIVERIES),
    Door("rest", f"{REST}deliveries/desk/{{id}}/retry/", ("view_delivery", "retry_delivery"), WHY),
    Door("internal", "/internal/events/tickets/0/", EVENTS),
    Door("internal", "/internal/stories/tickets/?q=T-1", EVENTS),
    Door("schema", "/internal/schema/", EVENTS),
    Door("dashboard", "/admin/django_rq/dashboard/"),
    Door("metrics", "/carveout/metrics/"),
    Door("open", "/carveout/health/"),
    Door("open", "/carveout/ready/"),
]


@pytest.fixture
def dead(db, kit) -> Delivery:
    @carveout.subscribe("tickets.TicketSold", max_attempts=1)
    def print_ticket(event):
        raise ValueError("no paper")

    announce(sold(1))
    steps.flow()
    return Delivery.objects.using("kit").get()


def client_of(role: str, door: Door, without: str = "") -> Client:
    if role == "anonymous":
        return Client()
    if role == "context":
        resource = door.path.partition("?")[0].removeprefix("/internal/")
        signed = token.sign("desk", "tickets", "POST" if door.post else "GET", resource)
        return Client(headers={"Authorization": f"Bearer {signed}"})
    User.objects.all().delete()
    account = {"is_staff": role != "customer", "is_superuser": role == "superuser"}
    user = User.objects.create_user("somebody", **account)
    of_the_kit = Permission.objects.filter(content_type__app_label="carveout")
    if role in ("permitted", "customer"):
        user.user_permissions.set(of_the_kit.filter(codename__in=door.needs))
    elif role == "without one":
        # Django's admin shows what somebody may change, so that one is taken away too.
        taken = [without, without.replace("view_", "change_")]
        user.user_permissions.set(of_the_kit.exclude(codename__in=taken))
    client = Client()
    client.force_login(user)
    return client


def answer(client: Client, door: Door, row: Delivery) -> int | str:
    names = {"id": str(row.pk), "event": str(row.event_id)}
    path = door.path.format(**names)
    given = {name: text.format(**names) for name, text in (door.post or {}).items()}
    response = client.get(path) if door.post is None else client.post(path, given)
    to_sign_in = response.status_code == 302 and "/login/" in response.headers["Location"]
    return SIGN_IN if to_sign_in else response.status_code


@pytest.mark.parametrize("door", DOORS, ids=lambda door: f"{door.path}{(door.post or {})}"[:80])
def test_each_role_at_each_door(dead, door):
    expected = dict(zip(ROLES, ANSWERS[door.kind], strict=True))
    refused = [role for role in ROLES if expected[role] in (401, 403, SIGN_IN)]
    for role in sorted(ROLES, key=lambda role: role not in refused):
        for without in door.needs if role == "without one" else [""]:
            got = answer(client_of(role, door, without), door, dead)
            assert got == expected[role], (role, without)
        if role in refused:
            assert Delivery.objects.using("kit").get().state == "dead"
            assert not Cursor.objects.using("kit").exclude(paused_at=None).exists()
            assert not LogEntry.objects.exists()
