"""seam_direct_pg, seam_shadow_pg: POST /api/orders/ with a call inside its transaction, to the same
call without its seam. The call stores a row, changes another and sends a mail that nobody gets.

Direct: CPU of the serving process. Shadow: time, with one key in ten compared; comparing itself is
the consumer's work.
"""

import time
from collections.abc import Callable
from unittest import mock

from django.core.mail import send_mail
from django.core.management import call_command
from django.db.models import F
from django.test import override_settings

import carveout
from bench.questions.publish_request import ordering
from bench.rounds import Answer, Scale, in_turns, repeated, timed
from carveout.events.event import Event
from carveout.operations.audit import Actor
from carveout.operations.seam_modes import switch_to
from carveout.seams import switch
from notifications.models import Channel, Kind, Notification
from shop.catalogue.models import Product

NAME, SHARE = "notifications.tell", 10
REQUESTS = 20
"""In a row, before the others get their turn."""
STRETCHES = 15
Clock = Callable[[], float]
WAYS: dict[str, tuple[str, Clock]] = {
    "seam_direct_pg": ("direct", time.process_time),
    "seam_shadow_pg": ("shadow", time.perf_counter),
}
"""The mode, and what is measured: a direct seam does nothing outside this process, and the time
that a commit takes varies more than what it costs."""


@override_settings(EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend")
def measure(keys: list[str], quick: bool) -> dict[str, Answer]:
    call_command("migrate", verbosity=0)
    post = ordering()
    _handler.__module__ = "notifications.subscribers"
    carveout.subscribe("orders.OrderCreated", name="tell_by_event", seam=NAME)(_handler)

    def way(how: Callable[[Event], None], mode: str, clock: Clock) -> Callable[[], float]:
        def run() -> float:
            switch_to(NAME, mode, SHARE if mode == "shadow" else 100, Actor("bench"), "measured")
            switch.forget()
            with mock.patch("carveout.publish", how):
                return timed(repeated(post, REQUESTS), REQUESTS, clock)

        return run

    answers = {}
    for key in keys:
        mode, clock = WAYS[key]
        ways = {"bare": way(_call, "direct", clock), "seam": way(_through_seam, mode, clock)}
        taken = in_turns(Scale(quick), ways, key, stretches=STRETCHES)
        answers[key] = taken.times("seam", "bare")
    return answers


def _through_seam(event: Event) -> None:
    carveout.seam(NAME, lambda: _call(event), lambda: event)


def _call(event: Event) -> None:
    number = event.order_number
    Notification.objects.create(
        order_number=number,
        kind=Kind.CONFIRMATION,
        channel=Channel.EMAIL,
        recipient="a@example.com",
    )
    Product.objects.filter(sku="CD-01").update(stock=F("stock") + 1)
    send_mail(f"Order {number}", "Thank you.", "shop@example.com", ["a@example.com"])


def _handler(event: object) -> None:
    """Nothing consumes here."""
