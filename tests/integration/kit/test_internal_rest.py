"""The internal REST: who may read it, and what the events API tells."""

import time
from typing import Any

import jwt
import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.generics import GenericAPIView
from rest_framework.settings import api_settings
from rest_framework.versioning import NamespaceVersioning
from rest_framework.views import APIView

from carveout.conf import get_settings
from carveout.eventlog import reader, sequencer, views
from carveout.lookups import tokens
from carveout.models import LoggedEvent
from carveout.telemetry import correlation
from carveout.telemetry.correlation import Correlation
from tests.integration.kit.tickets.services import announce, sell, sold

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

LOOKUP = "lookups/tickets.ticket/"
EVENTS = "events/tickets/0/"
STORIES = "stories/tickets/"
FIELDS = {LOOKUP: {"fields": "number"}}
QUERY = {LOOKUP: {"key": "T-1"}, EVENTS: {}, STORIES: {"q": "T-1"}}


@pytest.fixture
def internal(kit):
    """The two contexts, one ticket sold, and a web client."""
    with correlation.using(Correlation("about-T-1")):
        sell("T-1")
    sequencer.sequence("tickets", 10)


def ask(resource: str, signed: str = "", scheme: str = "Bearer", client: Any = None, **query):
    headers = {"Authorization": f"{scheme} {signed}"} if signed else {}
    return (client or Client()).get(
        f"/internal/{resource}", {**QUERY.get(resource, {}), **query}, headers=headers
    )


def signed(resource: str, by: str = "desk", key: str = "", **changes: Any) -> str:
    now = int(time.time())
    claims = {"iss": by, "aud": "tickets", "iat": now, "exp": now + 30}
    claims |= {"htm": "GET", "htu": resource, **changes}
    return jwt.encode(claims, key or get_settings().keys_of(by)[0], algorithm="HS256")


@pytest.mark.usefixtures("internal")
@pytest.mark.parametrize("resource", [LOOKUP, EVENTS, STORIES])
class TestWhoMayRead:
    """Other contexts, for this one request; staff; nobody else."""

    def test_another_context_may(self, resource):
        answer = ask(resource, tokens.sign("desk", "tickets", "GET", resource))
        assert answer.status_code == 200
        assert "T-1" in answer.content.decode()

    def test_nobody_may_without_a_token(self, resource):
        answer = ask(resource)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"

    @pytest.mark.parametrize(
        "changes",
        [
            {"aud": "desk"},
            {"iss": "tickets"},
            {"htu": "lookups/tickets.other/"},
            {"htm": "POST"},
            {"exp": int(time.time()) - 60},
            {"exp": int(time.time()) + 3600},
            {"key": "somebody else's key, long enough for HS256"},
            {"iss": "customer"},
        ],
        ids=lambda changes: next(iter(changes)),
    )
    def test_a_token_for_something_else_is_refused(self, resource, changes):
        answer = ask(resource, signed(resource, **changes))
        assert answer.status_code == 401
        assert "T-1" not in answer.content.decode()

    def test_a_token_of_the_other_resource_is_refused(self, resource):
        other = EVENTS if resource == LOOKUP else LOOKUP
        assert ask(resource, signed(other)).status_code == 401

    @pytest.mark.parametrize("garbage", ["x", "a.b.c", "é", "null", "Bearer"])
    def test_garbage_is_refused(self, resource, garbage):
        assert ask(resource, garbage).status_code == 401

    def test_another_scheme_is_no_token(self, resource):
        given = tokens.sign("desk", "tickets", "GET", resource)
        assert ask(resource, given, scheme="Basic").status_code == 401

    def test_a_customers_token_is_refused(self, resource):
        """Customers' tokens are signed by the same project, with its SECRET_KEY."""
        now = int(time.time())
        claims = {"token_type": "access", "user_id": "1", "is_staff": True, "exp": now + 30}
        for more in ({}, {"iss": "desk", "aud": "tickets", "iat": now, "htm": "GET"}):
            given = jwt.encode(
                {**claims, **more, "htu": resource}, django_settings.SECRET_KEY, algorithm="HS256"
            )
            assert ask(resource, given).status_code == 401

    def test_an_old_key_is_good_until_it_is_taken_away(self, resource, kit):
        old, new = "o" * 32, "n" * 32
        given = signed(resource, key=old)
        kit.set(KEYS={"desk": [new, old]})
        assert ask(resource, given).status_code == 200
        kit.set(KEYS={"desk": [new]})
        assert ask(resource, given).status_code == 401

    def test_it_is_read_only(self, resource):
        for method in ("post", "put", "patch", "delete"):
            given = signed(resource, htm=method.upper())
            answer = getattr(Client(), method)(
                f"/internal/{resource}", headers={"Authorization": f"Bearer {given}"}
            )
            assert answer.status_code == 405


@pytest.mark.parametrize("resource", [LOOKUP, EVENTS, STORIES])
@pytest.mark.parametrize(
    ("role", "status"), [("superuser", 200), ("staff", 403), ("customer", 403)]
)
def test_staff_may_read_with_permissions_and_customers_may_not(
    db, internal, resource, role, status
):
    client = Client()
    account = {"is_staff": role != "customer", "is_superuser": role == "superuser"}
    client.force_login(User.objects.create_user("somebody", **account))
    answer = ask(resource, client=client)
    assert answer.status_code == status
    assert ("T-1" in answer.content.decode()) is (status == 200)


@pytest.mark.parametrize("resource", [LOOKUP, EVENTS, STORIES])
class TestBesideTheProject:
    """What the project puts before and around our views."""

    def test_a_sign_in_for_all_pages_does_not_close_it(self, db, internal, settings, resource):
        settings.MIDDLEWARE = [
            *settings.MIDDLEWARE,
            "django.contrib.auth.middleware.LoginRequiredMiddleware",
        ]
        assert ask(resource).status_code == 401
        assert ask(resource, tokens.sign("desk", "tickets", "GET", resource)).status_code == 200
        for probe in ("health", "ready"):
            answer = Client().get(f"/carveout/{probe}/")
            assert answer.status_code == 200
            assert "no-store" in answer["Cache-Control"]
        refused = Client().get("/carveout/metrics/")
        assert refused.status_code == 401
        assert "no-store" in refused["Cache-Control"]

    def test_its_own_rest_does_not(self, internal, monkeypatch, resource):
        """The defaults of REST_FRAMEWORK, where REST framework keeps them once it is loaded."""
        refusing = {
            "versioning_class": NamespaceVersioning,
            "throttle_classes": [Refusing],
            "content_negotiation_class": Refusing,
            "metadata_class": Refusing,
            "parser_classes": [],
            "renderer_classes": [],
        }
        for name, value in refusing.items():
            monkeypatch.setattr(APIView, name, value)
        for name, value in {"filter_backends": [Refusing], "pagination_class": Refusing}.items():
            monkeypatch.setattr(GenericAPIView, name, value)
        monkeypatch.setattr(NamespaceVersioning, "allowed_versions", ["v1"])
        monkeypatch.setattr(api_settings, "URL_FORMAT_OVERRIDE", "fields", raising=False)
        monkeypatch.setattr(api_settings, "EXCEPTION_HANDLER", Refusing, raising=False)
        monkeypatch.setattr(api_settings, "UNAUTHENTICATED_USER", object, raising=False)
        good = tokens.sign("desk", "tickets", "GET", resource)
        assert ask(resource, good, **FIELDS.get(resource, {})).status_code == 200
        assert ask(resource).status_code == 401

    def test_nobody_keeps_an_answer(self, internal, settings, resource):
        settings.MIDDLEWARE = [
            "django.middleware.cache.UpdateCacheMiddleware",
            *settings.MIDDLEWARE,
            "django.middleware.cache.FetchFromCacheMiddleware",
        ]
        answer = ask(resource, tokens.sign("desk", "tickets", "GET", resource))
        assert "no-store" in answer["Cache-Control"]
        assert {"Authorization", "Cookie"} <= set(answer["Vary"].split(", "))
        refused = ask(resource)
        assert refused.status_code == 401
        assert "no-store" in refused["Cache-Control"]


def test_nobody_keeps_that_a_lookup_is_unknown(internal):
    answer = ask("lookups/tickets.nothing/")
    assert answer.status_code == 404
    assert "no-store" in answer["Cache-Control"]


class Refusing:
    """Where a project's class would stand."""

    def __getattr__(self, name):
        raise AssertionError(f"{name} of the project's class was asked for")


@pytest.mark.usefixtures("internal")
class TestTheEventsApi:
    """The log for readers whose stream has a gap."""

    def events(self, **query: Any) -> Any:
        answer = ask(EVENTS, signed(EVENTS), **query)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def test_tells_what_the_log_holds(self):
        announce(sold(4, "U"))
        sequencer.sequence("tickets", 10)
        told = self.events(after=2, limit=2)
        assert [event["position"] for event in told["events"]] == [3, 4]
        assert (told["first"], told["head"]) == (1, 5)
        assert told["identity"] == reader.log_range("tickets", 0).identity
        assert told["events"][0]["data"] == {"number": "U-2"}

    def test_a_limit_of_0_tells_the_extent_only(self):
        assert self.events(limit=0) == {**self.events(), "events": []}

    def test_a_limit_has_a_limit(self, monkeypatch):
        monkeypatch.setattr(views, "EVENTS_MAX", 3)
        announce(sold(4, "U"))
        sequencer.sequence("tickets", 10)
        assert len(self.events(limit=9999)["events"]) == len(self.events()["events"]) == 3

    def test_pruned_events_are_gone(self):
        announce(sold(4, "U"))
        sequencer.sequence("tickets", 10)
        LoggedEvent.objects.using("kit").filter(position__lte=3).delete()
        answer = ask(EVENTS, signed(EVENTS), after=1)
        assert answer.status_code == 410
        assert "positions 2 to 3 are pruned" in answer.content.decode()

    @pytest.mark.parametrize("name", ["after", "limit"])
    @pytest.mark.parametrize("value", ["-1", "x", "1.5", ""])
    def test_a_bad_number_is_named(self, name, value):
        answer = ask(EVENTS, signed(EVENTS), **{name: value})
        assert answer.status_code == 400
        assert list(answer.json()) == [name]

    @pytest.mark.parametrize(
        "resource", ["events/tickets/1/", "events/nobody/0/", "lookups/tickets.nothing/"]
    )
    def test_what_is_not_here_is_not_found(self, resource):
        assert ask(resource, signed(resource), key="T-1").status_code in (401, 404)


@pytest.mark.usefixtures("internal")
@pytest.mark.parametrize(
    "query",
    [
        {"event": "x"},
        {"event": "no-uuid/tickets.TicketSold/tickets/0/1"},
        {"event": "/".join(["1"] * 5) + "/"},
        {"event": [f"{LoggedEvent().event_id}/a.B/tickets/0/1"] * 101},
        {"correlation": ["x"] * 101},
    ],
)
def test_what_is_no_question_about_a_story_is_refused(query):
    assert ask(STORIES, signed(STORIES), **query).status_code == 400


def test_a_context_that_lives_elsewhere_is_not_answered_for(internal, kit):
    kit.set(HOSTED=["desk"])
    for resource in (LOOKUP, EVENTS, STORIES):
        assert ask(resource, signed(resource)).status_code == 404
