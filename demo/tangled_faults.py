"""The same faults in `examples/tangled`, where each part is a module of one process.

A file in the folder `FAULTS` breaks the part that it is named after.
"""

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from django.apps import AppConfig


def is_broken(part: str) -> bool:
    return (Path(os.environ["FAULTS"]) / part).exists()


class Gateway:
    """An SMS gateway that may be down."""

    def send(self, phone: str, text: str) -> None:
        if is_broken("sms"):
            raise ConnectionError("The SMS gateway is down")


class Faults(AppConfig):
    name = "demo.tangled_faults"
    label = "faults"
    path = str(Path(__file__).parent)

    def ready(self) -> None:
        from notifications import services
        from reviews import verification

        services.tell = failing("notifications", services.tell)
        verification.mark = failing("reviews", verification.mark)  # type: ignore[attr-defined]


def failing(part: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        if is_broken(part):
            raise RuntimeError(f"{part} is broken")
        return function(*arguments, **named)

    return call
