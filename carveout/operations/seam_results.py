"""Reads what comparing the calls of seams with their events found."""

from dataclasses import dataclass

from django.db.models import QuerySet

from carveout.models import Mismatch, Seam
from carveout.seams import results, switch
from carveout.seams.results import Summary


@dataclass(frozen=True)
class SeamResults:
    """The results of a seam since it was switched to its mode."""

    seam: Seam
    summary: Summary
    mismatches: "QuerySet[Mismatch]"


def of(seam: Seam) -> SeamResults:
    """The results of one seam."""
    database = switch.database_of(seam.name)
    mismatches = Mismatch.objects.using(database).filter(seam=seam.name, version=seam.version)
    return SeamResults(
        seam,
        results.summary(seam.name, seam.version, database),
        mismatches.order_by("outcome", "-events", "shape"),
    )
