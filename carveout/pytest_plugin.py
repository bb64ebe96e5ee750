"""Fixtures for pytest; installed with the distribution."""

# Pytest loads this before Django is set up, so what needs Django is imported when it is used.
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from carveout.event import Event


@pytest.fixture
def published_events() -> "Iterator[list[Event]]":
    """The events that the test publishes, in order."""
    from carveout.testing import capture_events

    with capture_events() as events:
        yield events


@pytest.fixture
def drain_events(db: None) -> Callable[[], None]:
    """Call it to deliver everything that was published so far."""
    from carveout.testing import drain

    return drain
