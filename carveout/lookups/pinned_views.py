"""Pins the REST settings of Carveout's views against those of the project's REST_FRAMEWORK.

Other deployments rely on these answers, and a project's defaults are meant for its own API: a
versioning class there would answer 404 to every lookup.
"""

from functools import cached_property
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
from rest_framework.schemas.inspectors import ViewInspector
from rest_framework.settings import DEFAULTS, IMPORT_STRINGS, APISettings
from rest_framework.views import APIView

VARIES_BY = ("Authorization", "Cookie")
OURS = APISettings({"EXCEPTION_HANDLER": DEFAULTS["EXCEPTION_HANDLER"]}, DEFAULTS, IMPORT_STRINGS)
"""REST framework's own defaults. Without any setting, it would read the project's."""


class Negotiation(DefaultContentNegotiation):
    """Negotiates by `?format=` and `Accept`, whatever the project's URL_FORMAT_OVERRIDE."""

    settings: Any = OURS


class ShallowJSONParser(JSONParser):
    """Parses JSON; too deep nesting is the client's error."""

    def parse(self, *args: Any, **options: Any) -> Any:
        try:
            return super().parse(*args, **options)
        except RecursionError as error:
            raise ParseError("JSON parse error - nested too deeply") from error


def uncached(response: HttpResponseBase) -> None:
    """Forbid caching of answers, which depend on the reader and the time.

    Django's cache uses `max-age` but not `no-store`; this sets both.
    """
    add_never_cache_headers(response)
    patch_vary_headers(response, VARIES_BY)


class SpectacularSchema(ViewInspector):
    """drf-spectacular's schema of a view. A worker has these views too, but never asks for it."""

    def __get__(self, view: Any, owner: Any) -> Any:
        return self._schema.__get__(view, owner)

    def __set__(self, view: Any, other: Any) -> None:
        self._schema.__set__(view, other)

    @cached_property
    def _schema(self) -> Any:
        from drf_spectacular.openapi import AutoSchema  # loaded here: see above

        return AutoSchema()


class PinnedView(APIView):
    """A view that answers the same in every project. Subclasses set its permissions."""

    if find_spec("drf_spectacular"):
        schema = SpectacularSchema()

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
        """The permissions that staff need for a request."""
        return [self.permission]

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer = super().finalize_response(request, response, *args, **kwargs)
        uncached(answer)
        return answer
