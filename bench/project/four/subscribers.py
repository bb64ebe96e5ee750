"""Four times all events of a batch."""

from crowd import subscribe
from four.models import Effect

subscribe(4, __name__, Effect)
