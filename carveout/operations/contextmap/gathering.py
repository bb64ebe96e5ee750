"""Gathers what the map shows: the declared contracts, and what runs."""

from pathlib import Path

from carveout.contracts import deployed
from carveout.contracts.contract import Contract
from carveout.operations.contextmap.observed import Observed, observe
from carveout.redis.client import REDIS_ERRORS


def gather(folder: Path) -> tuple[dict[str, Contract], Observed]:
    """Returns the contracts of code, files and running deployments, and what is observed.

    If Redis does not answer, the contracts of deployments are left out, and `Observed.unread`
    lists what could not be read.
    """
    try:
        elsewhere = deployed.announced()
    except REDIS_ERRORS:
        elsewhere = {}
    return deployed.known(folder, elsewhere), observe()
