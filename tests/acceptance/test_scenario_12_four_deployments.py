"""Scenario 12: four web processes with four databases, and lookups over HTTP between them.

Each deployment runs from a copy without the other contexts' code. The imported tests run here
once more, word for word, on one such system; the fourth comes first, because it needs a context
that was never started.
"""
# ruff: noqa: F403, I001

import json

import jwt
import pytest
import urllib3

from carveout.lookups import tokens
from carveout.conf import get_settings
from tests.acceptance.test_scenario_04_a_new_subscriber import *
from tests.acceptance.test_scenario_01_an_order import *
from tests.acceptance.test_scenario_02_mail_server_down import *
from tests.acceptance.test_scenario_03_notifications_stopped import *
from tests.acceptance.test_scenario_05_redis_lost import *
from tests.acceptance.test_scenario_09_cancelled_after_created import *
from tests.copies import CODE_OF, CONTEXTS
from tests.databases import ENVIRONMENT
from tests.eventually import eventually

SHAPE = "apart-sqlite"
RESOURCES = ("lookups/orders.order/", "events/orders/0/", "stories/orders/")


def test_scenario_12_no_deployment_has_the_code_of_another(system):
    for context in CONTEXTS:
        for other in CONTEXTS:
            code = [system.of(context).folder / folder for folder in CODE_OF[other]]
            assert all(folder.exists() == (context == other) for folder in code)
    assert len({each.env["DATABASE_URL"] for each in system.deployments}) == len(CONTEXTS)


def test_scenario_12_each_deployment_maps_and_checks_all_of_them(system):
    system.start()
    customer = system.customer("ynez")
    customer.order({"CD-01": 1})

    def drawn(context: str) -> dict:
        return json.loads(system.of(context).manage("contextmap", "--format", "json"))

    def seen_by_all() -> bool:
        maps = [drawn(context) for context in CONTEXTS]
        return all(
            "shop.StockReserved" in each["observed"]["causes"].get("orders.OrderCreated", {})
            and all(context["known"] for context in each["contexts"])
            for each in maps
        )

    eventually(seen_by_all)
    files = {each["at"].split(":")[0] for each in drawn("shop")["subscriptions"]}
    assert {"notifications/subscribers.py", "reviews/subscribers.py"} <= files
    for context in CONTEXTS:
        checked = system.of(context).manage("contextmap", "--check")
        assert checked == "The map is consistent.\n"


@pytest.fixture
def ask(system, settings):
    """Asks orders for one of its internal resources with a token. Returns: the status."""
    settings.SECRET_KEY = ENVIRONMENT["SECRET_KEY"]
    system.start()

    def ask(resource: str, signed: str | None) -> int:
        url = f"{system.of('orders').url}/internal/{resource}?key=A-1"
        headers = {"Authorization": f"Bearer {signed}"} if signed else {}
        return urllib3.request("GET", url, headers=headers, retries=False).status

    return ask


@pytest.mark.parametrize("resource", RESOURCES)
def test_scenario_12_a_context_gets_in_with_its_own_token(ask, resource):
    assert ask(resource, tokens.sign("reviews", "orders", "GET", resource)) == 200


@pytest.mark.parametrize("resource", RESOURCES)
def test_scenario_12_nobody_gets_in_without_a_token_or_with_anothers(ask, system, resource):
    ours = tokens.sign("reviews", "orders", "GET", resource)
    claims = jwt.decode(ours, options={"verify_signature": False})
    (anothers_key,) = get_settings().keys_of("notifications")
    refused = {
        "none": None,
        "for another context": tokens.sign("reviews", "shop", "GET", resource),
        "for another resource": tokens.sign("reviews", "orders", "GET", "lookups/orders.line/"),
        "signed with another's key": jwt.encode(claims, anothers_key, algorithm=tokens.ALGORITHM),
        "signed with no key": jwt.encode(claims, None, algorithm="none"),
        "a customer's": system.customer(f"xena-{len(resource)}").token,
    }
    statuses = {what: ask(resource, signed) for what, signed in refused.items()}
    assert statuses == dict.fromkeys(refused, 401)
