"""E-mail to a real SMTP server: one that takes it, refuses it, is away, or hangs up."""

import smtplib
from decimal import Decimal

import pytest
from django.core import mail as django_mail

from notifications import mail, services
from notifications.errors import NotAccepted
from notifications.lookups import Line, OrderToTell
from notifications.models import Kind, Notification
from tests.servers import HOST, SmtpForTests

pytestmark = pytest.mark.django_db


def order(**changes) -> OrderToTell:
    values = {
        "number": "A-1",
        "customer_id": "7",
        "email": "ada@example.com",
        "phone": "",
        "status": "placed",
        "cancel_reason": "",
        "total": Decimal("31.48"),
        "lines": [Line(name="Tea & <Sympathy>", quantity=2, price=Decimal("15.74"))],
    }
    return OrderToTell(**values | changes)


class Server(SmtpForTests):
    """Knows nobody of the name of nobody."""

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if address.startswith("nobody@"):
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"


@pytest.fixture
def smtp(settings):
    server = Server()
    server.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = HOST, server.port
    settings.EMAIL_TIMEOUT = 1
    yield server
    server.stop()


def test_an_email_shows_number_lines_and_total_in_text_and_html(smtp):
    services.tell_by_email(Kind.CONFIRMATION, order())
    message = smtp.messages[0]
    assert message["Message-ID"] == "<A-1.confirmation@notifications.example.com>"
    assert message["To"] == "ada@example.com"
    text = message.get_body(["plain"]).get_content()
    html = message.get_body(["html"]).get_content()
    for part in ("A-1", "31.48", "15.74"):
        assert part in text
        assert part in html
    assert "Tea & <Sympathy>" in text
    assert "Tea &amp; &lt;Sympathy&gt;" in html


def test_a_sent_notification_is_recorded(smtp):
    services.tell_by_email(Kind.CONFIRMATION, order())
    row = Notification.objects.get()
    assert (row.order_number, row.kind, row.channel) == ("A-1", "confirmation", "email")
    assert (row.status, row.attempts, row.ambiguous) == ("sent", 1, False)
    assert row.customer_id == "7"
    assert row.recipient == "ada@example.com"
    assert row.message_id == smtp.messages[0]["Message-ID"]
    assert row.sent_at is not None


def test_a_repeated_handler_sends_one_email(smtp):
    for _ in range(3):
        services.tell_by_email(Kind.CONFIRMATION, order())
    assert len(smtp.messages) == 1
    assert Notification.objects.count() == 1


def test_each_kind_has_an_email_of_its_own(smtp):
    for kind in Kind:
        services.tell_by_email(kind, order())
    assert len({message["Message-ID"] for message in smtp.messages}) == 3
    assert Notification.objects.count() == 3


def test_a_cancellation_tells_the_reason(smtp):
    services.tell_by_email(
        Kind.CANCELLATION, order(status="cancelled", cancel_reason="out of stock")
    )
    for part in ("plain", "html"):
        assert "out of stock" in smtp.messages[0].get_body([part]).get_content()


def test_a_confirmation_of_an_order_that_is_already_cancelled_says_so(smtp):
    services.tell_by_email(Kind.CONFIRMATION, order(status="cancelled"))
    assert "has been cancelled since" in smtp.messages[0].get_body(["plain"]).get_content()


def test_a_server_that_is_away_leaves_the_notification_waiting(smtp):
    smtp.stop()
    with pytest.raises(NotAccepted):
        services.tell_by_email(Kind.CONFIRMATION, order())
    assert Notification.objects.get().status == "waiting"

    smtp.start()
    services.tell_by_email(Kind.CONFIRMATION, order())
    row = Notification.objects.get()
    assert (row.status, row.attempts, row.ambiguous) == ("sent", 2, False)
    assert len(smtp.messages) == 1


def test_a_refused_message_is_not_ambiguous(smtp):
    smtp.behaviour = "refuse"
    with pytest.raises(NotAccepted):
        services.tell_by_email(Kind.CONFIRMATION, order())
    assert Notification.objects.get().status == "waiting"

    smtp.behaviour = "accept"
    services.tell_by_email(Kind.CONFIRMATION, order())
    row = Notification.objects.get()
    assert (row.status, row.attempts, row.ambiguous) == ("sent", 2, False)


def test_a_refused_recipient_is_not_ambiguous_and_the_error_holds_no_address(smtp):
    with pytest.raises(NotAccepted) as raised:
        services.tell_by_email(Kind.CONFIRMATION, order(email="nobody@example.com"))
    assert "nobody" not in str(raised.value)
    assert Notification.objects.get().status == "waiting"


def test_an_address_that_can_not_be_written_is_refused_before_anything_is_sent(smtp):
    with pytest.raises(NotAccepted):
        services.tell_by_email(Kind.CONFIRMATION, order(email="not an address@@"))
    assert Notification.objects.get().status == "waiting"


@pytest.mark.parametrize(
    ("behaviour", "error"), [("drop", smtplib.SMTPServerDisconnected), ("slow", OSError)]
)
def test_silence_after_data_makes_the_message_ambiguous(smtp, behaviour, error):
    smtp.behaviour, smtp.delay_s = behaviour, 1.5
    with pytest.raises(error):
        services.tell_by_email(Kind.CONFIRMATION, order())
    assert Notification.objects.get().status == "sending"

    smtp.behaviour = "accept"
    services.tell_by_email(Kind.CONFIRMATION, order())
    row = Notification.objects.get()
    assert (row.status, row.attempts, row.ambiguous) == ("sent", 2, True)
    assert len({message["Message-ID"] for message in smtp.messages}) == 1


def test_a_process_that_died_while_sending_is_counted(smtp, monkeypatch):
    class Killed(BaseException):
        """As kill -9: nothing is caught, nothing is recorded."""

    def die(message):
        raise Killed

    monkeypatch.setattr(mail, "send", die)
    with pytest.raises(Killed):
        services.tell_by_email(Kind.CONFIRMATION, order())
    monkeypatch.undo()
    services.tell_by_email(Kind.CONFIRMATION, order())
    assert Notification.objects.get().ambiguous


def test_an_email_goes_out_after_its_claim_is_committed(monkeypatch):
    seen = []
    monkeypatch.setattr(
        mail, "send", lambda message: seen.append(Notification.objects.get().status)
    )
    services.tell_by_email(Kind.CONFIRMATION, order())
    assert seen == ["sending"]


def test_the_same_works_with_other_backends_of_django():
    services.tell_by_email(Kind.CONFIRMATION, order())
    assert len(django_mail.outbox) == 1
