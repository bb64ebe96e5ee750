"""Who sees notifications: customers their own, staff all, on the page, in REST and in the admin."""

import pytest
from django.contrib.auth.models import Permission, User
from django.core import mail as django_mail
from django.urls import reverse
from rest_framework_simplejwt.tokens import AccessToken

import carveout
from notifications import services
from notifications.models import Kind, Notification
from tests.integration.test_notifications_mail import order

pytestmark = pytest.mark.django_db


def token(user_id="7", **claims) -> str:
    access = AccessToken()
    access.payload.update(user_id=user_id, email=f"{user_id}@example.com", name="Ada", **claims)
    return str(access)


def bearer(user_id="7", **claims) -> dict:
    return {"headers": {"Authorization": f"Bearer {token(user_id, **claims)}"}}


@pytest.fixture
def told():
    """Customer 7 was told of A-1 by e-mail and SMS, customer 8 of B-1."""
    services.tell_by_email(Kind.CONFIRMATION, order(phone="+441234"))
    services.tell_by_sms(Kind.CONFIRMATION, order(phone="+441234"))
    services.tell_by_email(Kind.CONFIRMATION, order(number="B-1", customer_id="8"))


def test_a_customer_sees_own_notifications_only(client, told):
    rows = client.get("/api/notifications/", **bearer("7")).json()["results"]
    assert {row["order_number"] for row in rows} == {"A-1"}
    assert len(rows) == 2


def test_staff_see_all_notifications(client, told):
    assert client.get("/api/notifications/", **bearer("1", is_staff=True)).json()["count"] == 3


def test_notifications_need_a_sign_in(client, told):
    assert client.get("/api/notifications/").status_code == 401


def test_a_foreign_notification_is_not_found(client, told):
    foreign = Notification.objects.get(order_number="B-1")
    assert client.get(f"/api/notifications/{foreign.pk}/", **bearer("7")).status_code == 404


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("channel=sms", 1),
        ("kind=confirmation", 3),
        ("kind=shipping", 0),
        ("status=sent", 3),
        ("order_number=B-1", 1),
    ],
)
def test_notifications_can_be_filtered(client, told, query, count):
    answer = client.get(f"/api/notifications/?{query}", **bearer("1", is_staff=True))
    assert answer.json()["count"] == count


def test_an_unknown_filter_value_is_refused_with_field_and_reason(client, told):
    answer = client.get("/api/notifications/?channel=pigeon", **bearer())
    assert answer.status_code == 400
    assert "channel" in answer.json()


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_notifications_are_read_only(client, told, method):
    pk = Notification.objects.filter(customer_id="7").first().pk
    url = "/api/notifications/" if method == "post" else f"/api/notifications/{pk}/"
    assert getattr(client, method)(url, **bearer()).status_code == 405


def test_the_order_page_shows_when_an_email_was_sent(client, told):
    client.cookies["customer"] = token("7")
    page = client.get("/notifications/orders/A-1/").content.decode()
    assert "sent at" in page
    assert "SMS" in page


@pytest.mark.parametrize("number", ["B-1", "no-such-order"])
def test_a_foreign_order_looks_like_an_unknown_one(client, told, number):
    client.cookies["customer"] = token("7")
    answer = client.get(f"/notifications/orders/{number}/")
    assert answer.status_code == 200
    assert "Nothing sent yet" in answer.content.decode()


def test_staff_see_what_was_sent_about_any_order(client, told):
    client.cookies["customer"] = token("1", is_staff=True)
    assert "sent at" in client.get("/notifications/orders/B-1/").content.decode()


def test_the_fragment_needs_a_sign_in(client, told):
    assert client.get("/notifications/orders/A-1/").status_code == 403


def send_again(client, user) -> list[str]:
    client.force_login(user)
    rows = Notification.objects.filter(channel="email", order_number="A-1")
    data = {"action": "send_again", "_selected_action": [row.pk for row in rows]}
    url = reverse("admin:notifications_notification_changelist")
    answer = client.post(url, data, follow=True)
    assert answer.status_code == 200
    return [str(message) for message in answer.context["messages"]]


def staff(*codenames) -> User:
    user = User.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


def test_sending_again_keeps_the_message_id(client, told, monkeypatch):
    monkeypatch.setattr(carveout, "look_up", lambda reader, key: order(number=key))
    before = len(django_mail.outbox)
    send_again(client, staff("view_notification", "resend_notification"))
    first, again = django_mail.outbox[0], django_mail.outbox[before]
    assert again.extra_headers["Message-ID"] == first.extra_headers["Message-ID"]
    row = Notification.objects.get(order_number="A-1", channel="email")
    assert (row.status, row.attempts, row.ambiguous) == ("sent", 2, False)


def test_sending_again_reports_what_failed(client, told, monkeypatch):
    def fail(reader, key):
        raise carveout.errors.LookupUnavailable("orders did not answer")

    monkeypatch.setattr(carveout, "look_up", fail)
    said = send_again(client, staff("view_notification", "resend_notification"))
    assert any("orders did not answer" in message for message in said)


def test_sending_again_needs_its_permission(client, told):
    before = len(django_mail.outbox)
    send_again(client, staff("view_notification"))
    assert len(django_mail.outbox) == before


def test_the_admin_lists_and_searches_notifications(admin_client, told):
    url = reverse("admin:notifications_notification_changelist")
    assert b"A-1" in admin_client.get(f"{url}?q=A-1&status__exact=sent").content
