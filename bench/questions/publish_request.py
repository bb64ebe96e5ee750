"""publish_request_pg: POST /api/orders/ of the reference project, to the same without its event.

The CPU of the serving process, from the WSGI request to the end of the response.
"""

import io
import json
import time
from collections.abc import Callable
from unittest import mock

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.test import RequestFactory
from rest_framework_simplejwt.tokens import AccessToken

from bench.rounds import Answer, Scale, in_turns, repeated, timed
from shop.catalogue.models import Product

REQUESTS = 10
"""In a row, before the other gets its turn."""
STRETCHES = 15


def measure(keys: list[str], quick: bool) -> dict[str, Answer]:
    call_command("migrate", verbosity=0)
    post = ordering()

    def with_event() -> float:
        return timed(repeated(post, REQUESTS), REQUESTS, time.process_time)

    def without_event() -> float:
        with mock.patch("carveout.publish"):
            return with_event()

    ways = {"event": with_event, "bare": without_event}
    taken = in_turns(Scale(quick), ways, "publish_request", stretches=STRETCHES)
    return {key: taken.times("event", "bare") for key in keys}


def ordering() -> Callable[[], None]:
    """Requests to the whole web, each for one piece of a product with plenty of stock."""
    Product.objects.create(sku="CD-01", name="One", price=10, stock=1_000_000)
    application = get_wsgi_application()
    token = AccessToken()
    token["user_id"], token["email"] = "7", "a@example.com"
    body = json.dumps({"lines": [{"sku": "CD-01", "quantity": 1}]}).encode()
    request = RequestFactory().post(
        "/api/orders/",
        body,
        "application/json",
        headers={"Authorization": f"Bearer {token}", "Host": "localhost"},
    )

    def post() -> None:
        statuses: list[str] = []
        environ = {**request.environ, "wsgi.input": io.BytesIO(body)}
        response = application(environ, lambda status, _headers: statuses.append(status))
        answer = b"".join(response)
        response.close()
        assert statuses == ["201 Created"], answer

    return post
