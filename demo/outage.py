"""Stops parts of the running shop, as an accident would."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from django.conf import settings

from carveout.management.development_system import System
from carveout.runtime import valkey

PROCESSES = {
    "mail": ["mail"],
    "notifications": ["consume notifications", "work"],
    "reviews": ["consume reviews"],
    "orders": ["consume orders"],
    "relay": ["relay"],
}
"""The processes of a part. Only notifications has jobs."""
PARTS = ["mail", "sms", "notifications", "reviews", "orders", "redis", "relay"]
Repair = Callable[[], object]


def stop(part: str, system: System) -> Repair:
    """Kill the processes of a part, or take the folder of the SMS gateway away.

    Returns: what starts it again.
    """
    if part == "redis":
        valkey.kill(settings.STATE_DIR)
        return partial(valkey.start_again, settings.STATE_DIR)
    if part == "sms":
        folder = Path(settings.NOTIFICATIONS_SMS_DIR)
        return partial(folder.rename(away(folder)).rename, folder)
    killed = {name: system.processes.kill(name) for name in PROCESSES[part]}

    def start() -> None:
        for name, command in killed.items():
            system.processes.start(name, *command)

    return start


def away(folder: Path) -> Path:
    """Where the folder of the SMS gateway is while the gateway is down."""
    return folder.with_name(f"{folder.name}-away")
