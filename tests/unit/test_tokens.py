"""Tokens between contexts: for one request, for seconds, and only by who may sign."""

import base64
import json
import time

import jwt
import pytest

from carveout.conf import get_settings
from carveout.lookups import tokens

RESOURCE = "lookups/orders.order/"
PATH = f"/internal/{RESOURCE}"


@pytest.fixture(autouse=True)
def contexts(settings):
    """orders is asked, reviews asks; shop is somebody else."""
    names = ("orders", "reviews", "shop")
    raw = {"CONTEXTS": {name: {"apps": [name]} for name in names}}
    settings.CARVEOUT = raw
    return raw


def claims(**changes: object) -> dict[str, object]:
    now = int(time.time())
    good = {"iss": "reviews", "aud": "orders", "iat": now, "exp": now + 30}
    return {**good, "htm": "GET", "htu": RESOURCE, **changes}


def signed(by: str = "reviews", **changes: object) -> str:
    return jwt.encode(claims(**changes), get_settings().keys_of(by)[0], algorithm="HS256")


def test_a_good_token_names_its_caller():
    given = tokens.sign("reviews", "orders", "GET", RESOURCE)
    assert tokens.verify(given, "orders", "GET", PATH) == "reviews"
    assert tokens.verify(signed(), "orders", "GET", PATH) == "reviews"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "shop"},
        {"iss": "shop"},
        {"htm": "POST"},
        {"htu": "lookups/orders.invoice/"},
        {"htu": "events/orders/0/"},
        {"exp": int(time.time()) - 60},
        {"iat": int(time.time()) + 86_400, "exp": int(time.time()) + 86_420},
        {"exp": int(time.time()) + 3600},
    ],
    ids=lambda changes: ",".join(
        f"{name}={value}" if isinstance(value, str) else name  # no times: they differ by process
        for name, value in changes.items()
    ),
)
def test_a_token_for_something_else_is_refused(changes):
    with pytest.raises(jwt.InvalidTokenError):
        tokens.verify(signed(**changes), "orders", "GET", PATH)


def test_an_unknown_context_is_as_good_as_a_known_one_unless_each_has_a_key(settings, contexts):
    given = tokens.sign("loyalty", "orders", "GET", RESOURCE)
    assert tokens.verify(given, "orders", "GET", PATH) == "loyalty"
    for bad in ("not a name", "l" * 101, ""):
        with pytest.raises(jwt.InvalidTokenError):
            tokens.verify(tokens.sign(bad, "orders", "GET", RESOURCE), "orders", "GET", PATH)
    with pytest.raises(jwt.InvalidTokenError):
        tokens.verify(signed(by="reviews", iss="loyalty"), "orders", "GET", PATH)
    settings.CARVEOUT = {**contexts, "KEYS": {"reviews": ["r" * 32]}}
    with pytest.raises(jwt.InvalidTokenError, match="'loyalty' is not a context"):
        tokens.verify(given, "orders", "GET", PATH)


@pytest.mark.parametrize("claim", ["iss", "aud", "iat", "exp", "htm", "htu"])
def test_every_claim_is_needed(claim):
    lacking = {name: value for name, value in claims().items() if name != claim}
    given = jwt.encode(lacking, get_settings().keys_of("reviews")[0], algorithm="HS256")
    with pytest.raises(jwt.InvalidTokenError):
        tokens.verify(given, "orders", "GET", PATH)


@pytest.mark.parametrize(
    "changes",
    [
        {"htu": ""},
        {"htu": "orders.order/"},
        {"htu": ["lookups/orders.order/"]},
        {"exp": "9999999999"},
        {"iat": "0"},
        {"exp": 1e400},
        {"exp": True},
        {"iat": None},
    ],
)
def test_claims_that_no_context_signs_are_refused(changes):
    with pytest.raises(jwt.InvalidTokenError):
        tokens.verify(signed(**changes), "orders", "GET", PATH)


def test_a_token_of_deep_json_is_refused():
    deep = base64.urlsafe_b64encode(b"[" * 100_000).decode().rstrip("=")
    header = base64.urlsafe_b64encode(b'{"alg": "HS256"}').decode().rstrip("=")
    for given in (f"{deep}.{deep}.x", f"{header}.{deep}.x"):
        with pytest.raises(jwt.InvalidTokenError):
            tokens.verify(given, "orders", "GET", PATH)


def test_nobody_signs_as_another():
    with pytest.raises(jwt.InvalidSignatureError):
        tokens.verify(signed(by="shop"), "orders", "GET", PATH)


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE"])
def test_a_token_without_a_signature_is_refused(algorithm):
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    for signature in ("", signed().split(".")[2]):
        forged = f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(claims())}.{signature}"
        with pytest.raises(jwt.InvalidTokenError):
            tokens.verify(forged, "orders", "GET", PATH)


def test_another_algorithm_is_refused():
    given = jwt.encode(claims(), get_settings().keys_of("reviews")[0], algorithm="HS512")
    with pytest.raises(jwt.InvalidAlgorithmError):
        tokens.verify(given, "orders", "GET", PATH)


@pytest.mark.parametrize("given", ["", "a", "a.b.c", "....", "é.é.é"])
def test_garbage_is_refused(given):
    with pytest.raises(jwt.InvalidTokenError):
        tokens.verify(given, "orders", "GET", PATH)


class TestRotation:
    """A new key first, the old one behind it, until no token of the old one lives."""

    OLD, NEW = "o" * 32, "n" * 32

    def at(self, settings, contexts, *keys: str) -> None:
        settings.CARVEOUT = {**contexts, "KEYS": {"reviews": list(keys)}}

    def test_both_keys_are_good_meanwhile(self, settings, contexts):
        self.at(settings, contexts, self.OLD)
        old = tokens.sign("reviews", "orders", "GET", RESOURCE)
        self.at(settings, contexts, self.NEW)
        new = tokens.sign("reviews", "orders", "GET", RESOURCE)
        self.at(settings, contexts, self.NEW, self.OLD)
        for given in (old, new):
            assert tokens.verify(given, "orders", "GET", PATH) == "reviews"

    def test_the_newest_signs(self, settings, contexts):
        self.at(settings, contexts, self.NEW, self.OLD)
        given = tokens.sign("reviews", "orders", "GET", RESOURCE)
        self.at(settings, contexts, self.NEW)
        assert tokens.verify(given, "orders", "GET", PATH) == "reviews"

    def test_a_key_that_was_taken_away_is_refused(self, settings, contexts):
        self.at(settings, contexts, self.OLD)
        old = tokens.sign("reviews", "orders", "GET", RESOURCE)
        self.at(settings, contexts, self.NEW)
        with pytest.raises(jwt.InvalidSignatureError):
            tokens.verify(old, "orders", "GET", PATH)
