"""What the shop bears: deep JSON, and many attempts to sign in."""

import pytest
from django.core.cache import cache
from django.test import Client

from shop.limits import SignInThrottle

pytestmark = pytest.mark.django_db
DEEP = "[" * 100_000


@pytest.mark.parametrize("path", ["/api/token/"])
def test_deep_json_is_a_bad_request(path):
    cache.clear()
    answer = Client().post(path, DEEP, content_type="application/json")
    assert answer.status_code == 400


def test_attempts_to_sign_in_are_limited_with_form_and_token_together(monkeypatch):
    cache.clear()
    monkeypatch.setitem(SignInThrottle.THROTTLE_RATES, "sign_in", "3/min")
    given = {"email": "a@example.com", "password": "wrong"}
    statuses = [Client().post("/sign-in/", given).status_code for _ in range(2)]
    statuses += [Client().post("/api/token/", given).status_code for _ in range(2)]
    assert statuses == [400, 400, 401, 429]
    refused = Client().post("/sign-in/", given)
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 60
    cache.clear()
