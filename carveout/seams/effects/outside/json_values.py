"""Describes any value as JSON has it, without asking a database."""

import json
import re
from hashlib import sha256
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, QuerySet

TEXT_BYTES_MAX = 10_000
"""Longer texts are described by their digest."""

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class _Describing(DjangoJSONEncoder):
    def default(self, o: Any) -> Any:
        if isinstance(o, set | frozenset):
            return sorted(map(as_json, o), key=json.dumps)
        try:
            return super().default(o)
        except TypeError:
            return described(o)


def as_json(value: Any) -> Any:
    """The value as JSON where it has one, else its description."""
    try:
        return json.loads(json.dumps(value, cls=_Describing, allow_nan=False))
    except (TypeError, ValueError, RecursionError):  # keys that are no texts, NaN, a circle
        return described(value)


def described(value: Any) -> str:
    """The same text for the same value in every process."""
    if isinstance(value, Model):  # its repr may need a query
        return f"<{value._meta.label} {value.pk!r}>"
    if isinstance(value, QuerySet):
        return f"<QuerySet of {value.model._meta.label}>"
    if callable(value) and hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    return _ADDRESS.sub("", repr(value))


def text_or_digest(content: bytes, size: int | None = None, digest: str = "") -> str:
    """The text, if it is short and one; else its digest.

    size, digest: of the whole, if the content is only its beginning.
    """
    size = len(content) if size is None else size
    if size <= TEXT_BYTES_MAX:
        try:
            return content.decode()
        except UnicodeDecodeError:
            pass
    return f"sha256:{digest or sha256(content).hexdigest()} ({size} bytes)"
