"""What is declared and what is seen, for commands that show or check it."""

from pathlib import Path

from carveout.conf import get_settings
from carveout.connection import REDIS_ERRORS
from carveout.contextmap.observed import Observed, observe
from carveout.contracts import deployed
from carveout.contracts.contract import Contract
from carveout.contracts.folder import known
from carveout.management.command import KitCommand


def declared_and_seen(
    command: KitCommand, folder: Path, *, declared_only: bool
) -> tuple[dict[str, Contract], Observed | None]:
    """Contracts of code, files and running deployments, and what is seen; says what is missing."""
    if declared_only or not get_settings().uses_redis:
        return known(folder), None
    try:
        elsewhere = deployed.told()
    except REDIS_ERRORS:
        elsewhere = {}
    seen = observe()
    for each in seen.unread:
        command.stderr.write(f"Not looked at: {each}")
    return deployed.known(folder, elsewhere), seen
