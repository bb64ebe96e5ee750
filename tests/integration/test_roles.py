"""Who may go through which door: every role at the kit's pages, acts and resources.

Each row names a door, the permissions that open it for staff, and what each role is answered:
the status, or `sign in` for a redirect to the form.
"""

from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from carveout.eventlog import reader
from carveout.lookups import tokens
from carveout.models import Cursor, Delivery
from orders.models import Order

pytestmark = pytest.mark.django_db

SUBSCRIPTION = "reviews.mark_verified"
REASON = {"reason": "the paper came"}
ROLES = ("nobody", "customer", "staff", "permitted", "root", "context")
IN = "sign in"


class Door(NamedTuple):
    method: str
    path: str
    permissions: str
    answers: tuple[object, ...]
    """To each of the roles, in their order."""
    data: dict[str, str] = {}


PAGE = (IN, IN, 403, 200, 200, IN)
ACT = (IN, IN, 403, 302, 302, IN)
REST = (403, 403, 403, 200, 200, 403)
INTERNAL = (401, 403, 403, 200, 200, 200)
QUEUES = (IN, 403, 403, 403, 200, IN)

DOORS = {
    "log": Door("get", "/admin/carveout/loggedevent/", "view_loggedevent", PAGE),
    "stories": Door("get", "/admin/carveout/story/", "view_loggedevent", PAGE),
    "map": Door("get", "/admin/carveout/map/", "view_loggedevent", PAGE),
    "deliveries": Door("get", "/admin/carveout/delivery/", "view_delivery", PAGE),
    "errors": Door("get", "/admin/carveout/delivery/groups/", "view_delivery", PAGE),
    "subscriptions": Door(
        "get", "/admin/carveout/subscriptionrecord/", "view_subscriptionrecord", PAGE
    ),
    "retry": Door(
        "post",
        "/admin/carveout/delivery/",
        "view_delivery retry_delivery",
        ACT,
        {"action": "retry", "_selected_action": "{row}", **REASON},
    ),
    "discard": Door(
        "post",
        "/admin/carveout/delivery/",
        "view_delivery discard_delivery",
        ACT,
        {"action": "discard", "_selected_action": "{row}", **REASON},
    ),
    "edit": Door(
        "get", "/admin/carveout/delivery/{row}/edit/", "view_delivery edit_delivery", PAGE
    ),
    "pause": Door(
        "post",
        "/admin/carveout/subscriptionrecord/",
        "view_subscriptionrecord pause_subscription",
        ACT,
        {"action": "pause", "subscription": SUBSCRIPTION, **REASON},
    ),
    "replay": Door(
        "get",
        f"/admin/carveout/subscriptionrecord/{SUBSCRIPTION}/replay/",
        "view_subscriptionrecord replay_subscription",
        PAGE,
    ),
    "queues": Door("get", "/admin/django_rq/dashboard/", "", QUEUES),
    "empty a queue": Door(
        "post", "/admin/django_rq/dashboard/queues/0/empty/", "", (IN, 403, 403, 403, 302, IN)
    ),
    "REST events": Door("get", "/api/carveout/events/", "view_loggedevent", REST),
    "REST subscriptions": Door("get", "/api/carveout/subscriptions/", "view_cursor", REST),
    "REST deliveries": Door("get", "/api/carveout/deliveries/", "view_delivery", REST),
    "REST retry": Door(
        "post",
        "/api/carveout/deliveries/reviews/{row}/retry/",
        "view_delivery retry_delivery",
        REST,
        REASON,
    ),
    "lookup": Door("get", "/internal/lookups/orders.order/?key={order}", "view_order", INTERNAL),
    "internal events": Door("get", "/internal/events/orders/0/", "view_loggedevent", INTERNAL),
    "internal stories": Door("get", "/internal/stories/orders/", "view_loggedevent", INTERNAL),
    "internal document": Door("get", "/internal/schema/", "view_loggedevent", REST),
    "health": Door("get", "/carveout/health/", "", (200,) * 6),
    "ready": Door("get", "/carveout/ready/", "", (200,) * 6),
    "metrics": Door("get", "/carveout/metrics/", "", (401, 401, 200, 200, 200, 401)),
}


@pytest.fixture
def known() -> dict[str, str]:
    """What the paths name: an order, and a delivery that is dead."""
    reader.create_partitions("orders")
    order = Order.objects.create(customer_id="1", email="a@example.com", total="1.00")
    row = Delivery.objects.create(
        subscription=SUBSCRIPTION,
        context="orders",
        partition=0,
        position=1,
        key=order.number,
        event_id=uuid4(),
        event=EVENT,
        state="dead",
        due_at=timezone.now(),
    )
    Cursor.objects.create(subscription=SUBSCRIPTION, context="orders", partition=0)
    return {"order": order.number, "row": str(row.pk)}


EVENT = (
    '{"id":"00000000-0000-4000-8000-000000000000","type":"orders.OrderCreated","context":"orders",'
    '"partition":0,"position":1,"key":"A","time":"2026-01-01T00:00:00Z",'
    '"data":{"order_number":"A"}}'
)


def someone(role: str, permissions: str) -> Client:
    client = Client(headers={"accept": "application/json, text/html;q=0.5"})
    if role in ("nobody", "context"):
        return client
    user = User.objects.create_user(role, is_staff=role != "customer", is_superuser=role == "root")
    if role == "permitted":
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions.split()))
    client.force_login(user)
    return client


def answered(response: Any) -> object:
    to_the_form = response.status_code == 302 and "/login/" in response["Location"]
    return IN if to_the_form else response.status_code


@pytest.mark.parametrize("name", DOORS)
def test_each_role_is_answered_as_the_table_says(name, known):
    door = DOORS[name]
    path = door.path.format(**known)
    answers = {}
    for role in ROLES:
        headers = {}
        if role == "context":
            resource = path.partition("?")[0].removeprefix("/internal/")
            signed = tokens.sign("reviews", "orders", door.method.upper(), resource)
            headers["authorization"] = f"Bearer {signed}"
        data = {field: value.format(**known) for field, value in door.data.items()}
        client = someone(role, door.permissions)
        answers[role] = answered(getattr(client, door.method)(path, data, headers=headers))
        restore(known)
    assert answers == dict(zip(ROLES, door.answers, strict=True))


def restore(known: dict[str, str]) -> None:
    """What an act has changed, for the next role."""
    row = Delivery.objects.filter(pk=known["row"])
    if not row.update(state="dead"):
        Delivery.objects.create(
            pk=known["row"],
            subscription=SUBSCRIPTION,
            context="orders",
            partition=0,
            position=1,
            key=known["order"],
            event_id=uuid4(),
            event=EVENT,
            state="dead",
            due_at=timezone.now(),
        )


@pytest.mark.parametrize("name", [name for name, door in DOORS.items() if " " in door.permissions])
def test_of_two_permissions_one_is_not_enough(name, known):
    """Whoever acts on something has to see it."""
    door = DOORS[name]
    path = door.path.format(**known)
    data = {field: value.format(**known) for field, value in door.data.items()}
    for only in door.permissions.split():
        user = User.objects.create_user(only, is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename=only))
        client = Client(headers={"accept": "application/json, text/html;q=0.5"})
        client.force_login(user)
        response = getattr(client, door.method)(path, data)
        assert response.status_code in (403, 302), only
        assert Delivery.objects.get().state == "dead"
        assert not Cursor.objects.filter(paused_at__isnull=False).exists()
