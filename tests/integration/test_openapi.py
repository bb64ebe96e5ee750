"""OpenAPI: the documents are valid, and whatever they let a client send, the answer is no 5xx."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from hypothesis import HealthCheck, Phase, given, strategies
from hypothesis.errors import Unsatisfiable
from openapi_spec_validator import validate
from rest_framework.throttling import SimpleRateThrottle
from rest_framework_simplejwt.tokens import AccessToken
from schemathesis import Case, GenerationMode

from carveout.eventlog import sequencer
from carveout.lookups import tokens
from carveout.lookups.provider import providers
from carveout.models import LoggedEvent
from shop.catalogue.models import Product

DOCUMENTS = {"public": "/api/schema/?format=json", "internal": "/internal/schema/?format=json"}
SLOW = [pytest.mark.slow, pytest.mark.timeout(1200)]
EXAMPLES = [5, pytest.param(50, marks=SLOW)]
"""Of each kind, valid and invalid, for each operation."""

Values = dict[str, Any]
Sending = Callable[[Case], dict[str, Any]]
"""What goes with a request: headers and cookies."""


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root", "root@example.com")


@pytest.fixture
def staff(root: User) -> Client:
    client = Client()
    client.force_login(root)
    return client


@pytest.mark.parametrize("path", DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_document_is_valid_and_leaves_nothing_to_guess(path, staff):
    GENERATOR_STATS.reset()
    with GENERATOR_STATS.silence():
        document = staff.get(path).json()
    validate(document)
    assert not GENERATOR_STATS
    assert document["paths"]


def test_the_internal_document_has_a_path_for_each_lookup(staff):
    paths = staff.get(DOCUMENTS["internal"]).json()["paths"]
    assert {f"/internal/lookups/{name}/" for name in providers} <= paths.keys()
    answer = paths["/internal/lookups/orders.order/"]["get"]["responses"]["200"]
    schema = answer["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/OrderLookupAnswer"}


def test_only_staff_read_the_internal_document(db):
    assert Client().get(DOCUMENTS["internal"]).status_code in (401, 403)


# -- Nothing that a client sends is our mistake ------------------------------------------------


@pytest.fixture
def known(settings: Any, root: User, staff: Client, monkeypatch: pytest.MonkeyPatch) -> Values:
    """A product, an order, a review and their events. Gives: the path parameters that find them.

    An exception in a view comes through to the test.
    """
    settings.DEBUG_PROPAGATE_EXCEPTIONS = True
    unlimited = dict.fromkeys(("user", "anon", "sign_in"))
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", unlimited)
    Product.objects.create(sku="CD-A", name="Name", artist="X", price="5.00", stock=9)
    bearer = {"Authorization": f"Bearer {bearer_of(root)}"}
    lines, review = [{"sku": "CD-A", "quantity": 1}], {"sku": "CD-A", "rating": 5, "text": "Good"}
    sent: Any = {"content_type": "application/json", "headers": bearer}
    order = staff.post("/api/orders/", {"lines": lines}, **sent).json()
    written = staff.post("/api/reviews/", review, **sent).json()
    sequencer.sequence("orders", 10)
    stored = LoggedEvent.objects.filter(context="orders").latest("id")
    return {
        "sku": "CD-A",
        "number": order["number"],
        "id": written["id"],
        "partition": 0,
        "event_id": str(stored.event_id),
        "owner": "orders",
        "context": "reviews",
        "name": "reviews.mark_verified",
    }


@contextmanager
def one_transaction() -> Iterator[None]:
    """A request must not end the test's own, as with Django's client."""
    for sent in (request_started, request_finished):
        sent.disconnect(close_old_connections)
    yield
    for sent in (request_started, request_finished):
        sent.connect(close_old_connections)


def bearer_of(root: User) -> AccessToken:
    """As the storefront signs it."""
    signed = AccessToken.for_user(root)
    for claim in ("email", "is_staff"):
        signed[claim] = getattr(root, claim)
    signed["name"] = root.username
    return signed


def as_staff(root: User, staff: Client) -> Sending:
    """Signed in everywhere: to the admin, and as a customer who is staff."""
    session, csrf = django_settings.SESSION_COOKIE_NAME, "c" * 32
    return lambda case: {
        "cookies": {
            session: staff.cookies[session].value,
            django_settings.CSRF_COOKIE_NAME: csrf,
        },
        "headers": {
            "Authorization": f"Bearer {bearer_of(root)}",
            "X-CSRFToken": csrf,
            "Host": "localhost",
        },
    }


def as_context(case: Case) -> dict[str, Any]:
    """Another context, with a token for this request."""
    resource = case.formatted_path.removeprefix("/internal/")
    owner = resource.split("/")[1].split(".")[0]
    signed = tokens.sign("reviews", owner, case.method, resource)
    return {"headers": {"Authorization": f"Bearer {signed}", "Host": "localhost"}}


def as_staff_of_the_internal(root: User, staff: Client) -> Sending:
    """By the session alone: a customer's token is none of a context."""

    def sending(case: Case) -> dict[str, Any]:
        signed = as_staff(root, staff)(case)
        del signed["headers"]["Authorization"]
        return signed

    return sending


def bombard(document: dict[str, Any], send: Sending, known: Values, examples: int) -> Counter[int]:
    """Send so many requests of each kind to each operation. Returns: what was answered."""
    schema = schemathesis.openapi.from_dict(document)
    schema.app = WSGIHandler()
    answers: Counter[int] = Counter()
    with one_transaction():
        for found in schema.get_all_operations():
            for mode in GenerationMode:
                answers += _sent(found.ok(), mode, send, known, examples)
    return answers


def _sent(
    operation: Any, mode: GenerationMode, send: Sending, known: Values, examples: int
) -> Counter[int]:
    answers: Counter[int] = Counter()

    @given(case=operation.as_strategy(generation_mode=mode), hit=strategies.booleans())
    @hypothesis.settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def send_one(case: Case, hit: bool) -> None:
        if hit:
            theirs = case.path_parameters or {}
            case.path_parameters = {name: known.get(name, theirs[name]) for name in theirs}
        signed = send(case)
        case.cookies = signed.get("cookies", {})  # a session is signed in, and not made up
        case.headers = {**(case.headers or {}), **signed["headers"]}
        answer = case.call()
        answers[answer.status_code] += 1
        assert answer.status_code < 500, f"{case.as_curl_command()}: {answer.text}"

    with suppress(Unsatisfiable):  # nothing there that could be wrong
        send_one()
    return answers


@pytest.mark.parametrize("examples", EXAMPLES)
def test_no_request_to_the_public_rest_is_answered_with_5xx(known, root, staff, examples):
    document = staff.get(DOCUMENTS["public"]).json()
    answers = bombard(document, as_staff(root, staff), known, examples)
    assert {200, 201, 400, 404} <= answers.keys()


@pytest.mark.parametrize("examples", EXAMPLES)
@pytest.mark.parametrize("who", ["context", "staff"])
def test_no_request_to_the_internal_rest_is_answered_with_5xx(known, root, staff, who, examples):
    document = staff.get(DOCUMENTS["internal"]).json()
    send = as_context if who == "context" else as_staff_of_the_internal(root, staff)
    answers = bombard(document, send, known, examples)
    assert {200, 400} <= answers.keys()


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_nor_is_any_on_postgresql(postgres):
    """Its own process: which database the project uses is decided when it starts."""
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", __file__, "-m", "slow", "-k", "5xx"],
        env={**os.environ, "DATABASE_URL": postgres.url(postgres.create())},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
