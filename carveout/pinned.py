"""What every REST view of the kit pins, so that the project's REST_FRAMEWORK does not reach it.

Other deployments rely on these answers, and a project's defaults are meant for its own REST: a
versioning class there would answer 404 to every lookup.
"""

from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.http import HttpResponseBase
from django.utils.cache import add_never_cache_headers, patch_vary_headers
from rest_framework.exceptions import ParseError
from rest_framework.metadata import SimpleMetadata
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.settings import DEFAULTS, IMPORT_STRINGS, APISettings
from rest_framework.views import APIView

VARIES_BY = ("Authorization", "Cookie")
OURS = APISettings({"EXCEPTION_HANDLER": DEFAULTS["EXCEPTION_HANDLER"]}, DEFAULTS, IMPORT_STRINGS)
"""REST framework's own defaults. Given no setting at all, it would read the project's."""


class Negotiation(DefaultContentNegotiation):
    """By `?format=` and `Accept`, whatever URL_FORMAT_OVERRIDE the project has."""

    settings: Any = OURS


class ShallowJSONParser(JSONParser):
    """JSON; what is nested too deeply to be read is the client's mistake."""

    def parse(self, *args: Any, **options: Any) -> Any:
        try:
            return super().parse(*args, **options)
        except RecursionError as error:
            raise ParseError("JSON parse error - nested too deeply") from error


def uncached(response: HttpResponseBase) -> None:
    """Let nobody keep an answer that depends on who asks, and when.

    Django's cache heeds `max-age` and not `no-store`; this sets both.
    """
    add_never_cache_headers(response)
    patch_vary_headers(response, VARIES_BY)


class PinnedView(APIView):
    """A view that answers alike in every project. Its subclasses say who may read it."""

    settings = OURS
    renderer_classes = [JSONRenderer, BrowsableAPIRenderer]
    parser_classes = [ShallowJSONParser, FormParser, MultiPartParser]
    throttle_classes = []
    content_negotiation_class = Negotiation
    metadata_class = SimpleMetadata
    versioning_class = None
    filter_backends: Any = []
    pagination_class: Any = None
    permission: str = ""

    def get_renderers(self) -> list[BaseRenderer]:
        """JSON only, where REST framework is not installed as an app: its templates are missing."""
        renderers: list[BaseRenderer] = super().get_renderers()
        if apps.is_installed("rest_framework"):
            return renderers
        return [each for each in renderers if not isinstance(each, BrowsableAPIRenderer)]

    def needs(self) -> list[str]:
        """The permissions that staff need for what is asked."""
        return [self.permission]

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer = super().finalize_response(request, response, *args, **kwargs)
        uncached(answer)
        return answer


if find_spec("drf_spectacular"):
    from drf_spectacular.openapi import AutoSchema

    PinnedView.schema = AutoSchema()  # the one that `carveout.openapi` and its views need
