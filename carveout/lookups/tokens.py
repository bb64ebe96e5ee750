"""Signs and verifies short-lived tokens that identify a context to another's internal REST."""

import time
from typing import Any

import jwt

from carveout.conf import get_settings

ALGORITHM = "HS256"
LIFETIME_S = 30
LIFETIME_MAX_S = 60
LEEWAY_S = 5
"""How much two machines' clocks may differ."""
RESOURCES = ("events", "lookups", "stories")
"""First path parts of resources, after the prefix where `carveout.urls` are mounted."""
CLAIMS = ["iss", "aud", "iat", "exp", "htm", "htu"]


def sign(caller: str, owner: str, method: str, resource: str) -> str:
    """A token for one request of `caller` to one resource of `owner`.

    It is bound to method and resource with the claims that DPoP uses.
    Source: https://www.rfc-editor.org/rfc/rfc9449#section-4.2
    """
    now = int(time.time())
    claims = {
        "iss": caller,
        "aud": owner,
        "iat": now,
        "exp": now + LIFETIME_S,
        "htm": method,
        "htu": resource,
    }
    return jwt.encode(claims, get_settings().keys_of(caller)[0], algorithm=ALGORITHM)


def verify(token: str, owner: str, method: str, path: str) -> str:
    """Verify a token. Returns: the context that signed it for this method and path.

    Raises: jwt.InvalidTokenError: expired, forged, or meant for something else.
    """
    try:
        return _verified(token, owner, method, path)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        # PyJWT lets errors through that come from claims of other types or deeply nested JSON.
        raise jwt.DecodeError(f"its claims can't be read ({type(error).__name__})") from error


def _verified(token: str, owner: str, method: str, path: str) -> str:
    caller = str(jwt.decode(token, options={"verify_signature": False}).get("iss"))
    if not get_settings().may_ask(caller):
        raise jwt.InvalidIssuerError(f"{caller!r} is not a context")
    claims = _decode(token, get_settings().keys_of(caller), owner)
    if not all(type(claims[name]) is int for name in ("exp", "iat")):
        raise jwt.InvalidTokenError("exp and iat must be whole numbers")
    if claims["exp"] - claims["iat"] > LIFETIME_MAX_S:
        raise jwt.InvalidTokenError(f"a token may be valid for at most {LIFETIME_MAX_S} s")
    if claims["htm"] != method or not _leads_to(path, claims["htu"]):
        raise jwt.InvalidTokenError(f"signed for {claims['htm']} {claims['htu']}")
    return caller


def _leads_to(path: str, resource: Any) -> bool:
    """Whether this is the whole resource path after the mount prefix, not just an end of it."""
    begins = str(resource).partition("/")[0]
    return begins in RESOURCES and path.endswith(f"/{resource}")


def _decode(token: str, keys: list[str], owner: str) -> dict[str, Any]:
    """Try the caller's keys, newest first: during a rotation several are valid."""
    for key in keys[:-1]:
        try:
            return _decode(token, [key], owner)
        except jwt.InvalidSignatureError:
            continue
    claims: dict[str, Any] = jwt.decode(
        token,
        keys[-1],
        algorithms=[ALGORITHM],
        audience=owner,
        leeway=LEEWAY_S,
        options={"require": CLAIMS},
    )
    return claims
