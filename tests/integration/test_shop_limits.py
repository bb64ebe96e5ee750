"""What the shop bears: deep JSON, and many attempts to sign in."""

import base64
import runpy

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from rest_framework_simplejwt.tokens import AccessToken

from shop.limits import SignInThrottle

pytestmark = pytest.mark.django_db
DEEP = "[" * 100_000


def test_a_token_of_deep_json_is_refused():
    deep = base64.urlsafe_b64encode(DEEP.encode()).decode().rstrip("=")
    header = base64.urlsafe_b64encode(b'{"alg": "HS256", "typ": "JWT"}').decode().rstrip("=")
    for given in (f"{deep}.e30.x", f"{header}.{deep}.x"):
        answer = Client().get("/api/orders/", headers={"Authorization": f"Bearer {given}"})
        assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/api/token/", "/api/orders/", "/api/reviews/"])
def test_deep_json_is_a_bad_request(path):
    cache.clear()
    token = AccessToken()
    for name, value in {"user_id": "ada", "email": "ada@example.com", "is_staff": False}.items():
        token[name] = value
    headers = {"Authorization": f"Bearer {token}"}
    answer = Client().post(path, DEEP, content_type="application/json", headers=headers)
    assert answer.status_code == 400


def test_production_does_not_start_without_a_key(monkeypatch):
    monkeypatch.setenv("DEBUG", "0")
    monkeypatch.delenv("SECRET_KEY", raising=False)
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY is not set"):
        runpy.run_path(settings.BASE_DIR / "shop" / "settings.py")


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
