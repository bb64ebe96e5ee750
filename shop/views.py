"""The views that every deployment has, whichever contexts it hosts."""

from django.conf import settings
from django.db import connections
from django.db.utils import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

import carveout
from shop import schema


@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """200 if this deployment's databases answer, else 503.

    Redis is not asked: without it orders are still taken.
    """
    failed = [alias for alias in connections if not _answers(alias)]
    hosted = list(carveout.hosted_contexts(settings.CARVEOUT))
    return JsonResponse(
        {"status": "failed" if failed else "ok", "contexts": hosted, "failed_databases": failed},
        status=503 if failed else 200,
    )


class ApiRoot(APIView):
    """The public REST of the contexts hosted here."""

    @extend_schema(exclude=True)
    def get(self, request):
        paths = schema.collections()
        return Response({_name(path): request.build_absolute_uri(path) for path in paths})


def _answers(alias: str) -> bool:
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _name(path: str) -> str:
    return path.removeprefix("/api/").strip("/")
