"""One context, `shows`, that owns the unit tests themselves; no database and no Redis."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.kit import declarations


@pytest.fixture
def shows(settings: Any) -> Iterator[Callable[..., None]]:
    """What a test declares belongs to `shows`. Gives: a function that changes CARVEOUT."""
    contexts = {
        "shows": {"apps": ["tests.unit"]},
        "elsewhere": {"apps": ["elsewhere"], "url": "http://elsewhere.test"},
    }

    def change(**changes: Any) -> None:
        settings.CARVEOUT = {"CONTEXTS": contexts, "HOSTED": ["shows"], **changes}

    change()
    with declarations.only(declarations.NOTHING):
        yield change
