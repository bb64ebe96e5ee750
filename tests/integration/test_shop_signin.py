"""Customers sign in once, and every deployment verifies their token by itself."""

import time

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from shop.storefront import renewal

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_attempts_before():
    """Attempts of other tests do not count."""
    cache.clear()


EMAIL, PASSWORD = "ann@example.com", "correct horse battery"


@pytest.fixture(autouse=True)
def quick_hashes(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def ann():
    return get_user_model().objects.create_user(EMAIL, EMAIL, PASSWORD, first_name="Ann Example")


def sign_in(client, **more):
    return client.post("/sign-in/", {"email": EMAIL, "password": PASSWORD, **more})


def test_the_cookie_is_closed_to_scripts_and_other_sites(client, ann):
    cookie = sign_in(client).cookies["customer"]
    assert cookie["httponly"] is True
    assert cookie["samesite"] == "Lax"
    assert cookie["secure"] == ""
    assert cookie["max-age"] == 3600


def test_the_cookie_is_secure_under_https(client, ann, settings):
    settings.CUSTOMER_COOKIE_SECURE = True
    assert sign_in(client).cookies["customer"]["secure"] is True


def test_the_token_says_who_the_customer_is(client, ann):
    token = AccessToken(sign_in(client).cookies["customer"].value)
    claims = {name: token[name] for name in ("user_id", "email", "name", "is_staff")}
    assert claims == {
        "user_id": str(ann.pk),
        "email": EMAIL,
        "name": "Ann Example",
        "is_staff": False,
    }


def test_pages_know_the_customer_until_sign_out(client, ann):
    assert "Sign out" not in client.get("/").content.decode()
    sign_in(client)
    assert "Signed in as Ann Example" in client.get("/").content.decode()
    client.post("/sign-out/")
    assert "Sign out" not in client.get("/").content.decode()


def test_sign_out_needs_a_post(client, ann):
    assert client.get("/sign-out/").status_code == 405


@pytest.mark.parametrize("email", ["ANN@example.com", "ann"])
def test_address_in_any_case_or_user_name(client, email):
    get_user_model().objects.create_user("ann", EMAIL, PASSWORD)
    response = client.post("/sign-in/", {"email": email, "password": PASSWORD})
    assert response.status_code == 302


@pytest.mark.parametrize(
    "entered",
    [
        {"email": EMAIL, "password": "wrong"},
        {"email": "nobody@example.com", "password": PASSWORD},
        {"email": EMAIL},
        {"email": "a\0b", "password": PASSWORD},
    ],
)
def test_wrong_credentials_sign_nobody_in(client, ann, entered):
    response = client.post("/sign-in/", entered)
    assert response.status_code == 400
    field = "email" if "\0" in entered["email"] else "password"
    assert f'id="id_{field}_error"' in response.content.decode()
    assert "customer" not in response.cookies


def test_an_inactive_account_stays_out(client, ann):
    get_user_model().objects.update(is_active=False)
    assert sign_in(client).status_code == 400


@pytest.mark.parametrize(
    "foreign",
    ["https://evil.example/", "//evil.example/", r"/\evil.example", "javascript:alert(1)"],
)
def test_a_foreign_next_is_refused(client, ann, foreign):
    assert sign_in(client, next=foreign).url == "/"
    page = client.get("/sign-in/", {"next": foreign}).content.decode()
    assert "evil" not in page
    assert "javascript:" not in page


def test_our_own_next_is_followed(client, ann):
    assert sign_in(client, next="/orders/checkout/?a=1").url == "/orders/checkout/?a=1"


def test_sign_up_opens_an_account_and_signs_in(client):
    response = client.post(
        "/sign-up/", {"name": "Bo", "email": "Bo@Example.com", "password": PASSWORD, "next": "/x/"}
    )
    assert response.url == "/x/"
    account = get_user_model().objects.get()
    assert (account.username, account.email, account.is_staff) == (
        "bo@example.com",
        "bo@example.com",
        False,
    )
    assert "customer" in response.cookies


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"email": "ANN@example.com"}, "There is an account"),
        ({"email": "no address"}, "valid email"),
        ({"password": "12345678"}, "too common"),
        ({"password": "short"}, "too short"),
        ({"name": ""}, "required"),
    ],
)
def test_a_bad_sign_up_names_the_reason_and_writes_nothing(client, ann, changed, reason):
    entered = {"name": "Bo", "email": "bo@example.com", "password": PASSWORD, **changed}
    response = client.post("/sign-up/", entered)
    assert response.status_code == 400
    page = response.content.decode()
    (field,) = changed
    assert reason in page[page.index(f'name="{field}"') :].partition("</div>")[0]
    assert get_user_model().objects.count() == 1


def test_pages_that_change_something_need_the_csrf_token(ann):
    client = Client(enforce_csrf_checks=True)
    assert sign_in(client).status_code == 403


@pytest.mark.parametrize("field", ["email", "username"])
def test_the_rest_token_opens_the_rest(client, ann, field):
    answer = client.post("/api/token/", {field: EMAIL, "password": PASSWORD})
    assert answer.status_code == 200
    token = answer.json()["access"]
    headers = {"authorization": f"Bearer {token}"}
    assert client.get("/api/products/", headers=headers).status_code == 200


def test_bad_credentials_get_no_rest_token(client, ann):
    assert client.post("/api/token/", {"email": EMAIL, "password": "no"}).status_code == 401
    answer = client.post("/api/token/", {"password": PASSWORD})
    assert answer.status_code == 400
    assert "email" in answer.json()
    answer = client.post("/api/token/", {"email": EMAIL})
    assert answer.status_code == 400
    assert "password" in answer.json()


@pytest.mark.parametrize("token", ["rubbish", "a.b.c"])
def test_a_forged_token_is_refused(client, token):
    headers = {"authorization": f"Bearer {token}"}
    assert client.get("/api/products/", headers=headers).status_code == 401
    client.cookies["customer"] = token
    assert "Sign out" not in client.get("/").content.decode()


def test_only_access_tokens_sign_in(client, ann):
    client.cookies["customer"] = str(RefreshToken.for_user(ann))
    assert "Sign out" not in client.get("/").content.decode()


class TestRenewal:
    """A token is not revoked: it is short-lived, and renewed where the account is."""

    @pytest.fixture
    def later(self, monkeypatch):
        """A few minutes have passed."""
        moment = time.time() + renewal.RENEW_AFTER_S + 1
        monkeypatch.setattr(renewal.time, "time", lambda: moment)

    def test_it_is_renewed_while_the_customer_is_here(self, client, ann, later):
        old = sign_in(client).cookies["customer"].value
        response = client.get("/")
        assert "Sign out" in response.content.decode()
        assert AccessToken(response.cookies["customer"].value)["jti"] != AccessToken(old)["jti"]

    def test_a_young_one_is_left_as_it_is(self, client, ann):
        sign_in(client)
        assert "customer" not in client.get("/").cookies

    @pytest.mark.parametrize("path", ["/orders/", "/api/orders/"])
    def test_one_of_a_deactivated_account_is_refused(self, client, ann, later, path):
        sign_in(client)
        get_user_model().objects.update(is_active=False)
        response = client.get(path)
        assert response.status_code in (302, 401, 403)
        assert response.cookies["customer"].value == ""

    def test_one_of_an_employee_who_left_has_no_more_rights(self, client, ann, later):
        get_user_model().objects.update(is_staff=True)
        sign_in(client)
        get_user_model().objects.update(is_staff=False)
        renewed = AccessToken(client.get("/").cookies["customer"].value)
        assert renewed["is_staff"] is False

    def test_signing_out_is_not_undone(self, client, ann, later):
        sign_in(client)
        assert client.post("/sign-out/").cookies["customer"].value == ""
