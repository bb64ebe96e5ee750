"""What the shop bears: deep JSON, and many attempts to sign in."""

import os
import subprocess
import sys

import pytest
from django.core.cache import cache
from django.test import Client

from shop.limits import SignInThrottle

pytestmark = pytest.mark.django_db
DEEP = "[" * 100_000


@pytest.mark.parametrize("path", ["/api/token/", "/api/orders/", "/api/reviews/"])
def test_deep_json_is_a_bad_request(path):
    cache.clear()
    answer = Client().post(path, DEEP, content_type="application/json")
    assert answer.status_code in (400, 401)


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


@pytest.mark.parametrize("path", ["/", "/admin/login/", "/api/"])
def test_a_page_runs_only_what_the_shop_serves(path, client, db):
    policy = client.get(path, headers={"accept": "text/html"}).headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert ("script-src 'self' 'unsafe-inline'" in policy) is (path == "/api/")


@pytest.mark.parametrize("key", ["", None])
def test_a_deployment_without_a_secret_key_does_not_start(key):
    """Each would make one of its own, and refuse the tokens of all others."""
    env = {**os.environ, "DEBUG": "0", "DJANGO_SETTINGS_MODULE": "shop.settings"}
    env.pop("SECRET_KEY", None)
    if key is not None:
        env["SECRET_KEY"] = key
    command = [sys.executable, "manage.py", "check"]
    ended = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert "SECRET_KEY" in ended.stderr
