"""Checks seams in the mode `shadow`: their rows are recorded, and their events are compared."""

from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone

from carveout.conf import get_settings
from carveout.models import RecordedCall, Seam
from carveout.operations.doctor.finding import Finding, count, ok, warning
from carveout.seams import switch
from carveout.seams.effects import row_images

LATE = timedelta(minutes=5)


def check(context: str) -> Iterator[Finding]:
    """Checks each seam that is named after a context and compares."""
    rows = Seam.objects.using(get_settings().database_of(context))
    for seam in rows.filter(mode=Seam.Mode.SHADOW, name__startswith=f"{context}."):
        yield _check(seam)


def _check(seam: Seam) -> Finding:
    what, database = f"Seam {seam.name}", switch.database_of(seam.name)
    if tables := row_images.uncovered(database):
        return warning(
            what,
            f"rows of {', '.join(tables)} are not recorded, so nothing can be compared",
            f"run `manage.py seams {seam.name} --mode shadow --share {seam.share} --reason …`",
        )
    late = RecordedCall.objects.using(database).filter(
        seam=seam.name, version=seam.version, began_at__lt=timezone.now() - LATE
    )
    if many := late.count():
        return warning(
            what,
            f"{count(many, 'call')} recorded over 5 minutes ago and not compared yet",
            f"check the relay and `manage.py consume {seam.name.partition('.')[0]}`",
        )
    return ok(what, f"shadow for {seam.share} % of keys")
