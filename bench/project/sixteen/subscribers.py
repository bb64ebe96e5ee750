"""Sixteen times all events of a batch."""

from crowd import subscribe
from sixteen.models import Effect

subscribe(16, __name__, Effect)
