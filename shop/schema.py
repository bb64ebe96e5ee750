"""What the OpenAPI document and the list at `/api/` show."""

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.schemas.generators import EndpointEnumerator


class CookieTokenScheme(OpenApiAuthenticationExtension):
    """Adds the sign-in cookie to the OpenAPI document."""

    target_class = "shop.signin.CookieTokenAuthentication"
    name = "cookieToken"

    def get_security_definition(self, auto_schema):
        return {"type": "apiKey", "in": "cookie", "name": settings.CUSTOMER_COOKIE}


def only_public(endpoints, **_):
    """Preprocessing hook: lookups are for other contexts, not for customers."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/")]


def collections() -> list[str]:
    """Paths of the public REST hosted here that need no parameter."""
    endpoints = only_public(EndpointEnumerator().get_api_endpoints())
    return sorted({path for path, *_ in endpoints if "{" not in path and path != "/api/"})
