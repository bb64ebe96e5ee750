"""The short form of the soak: workers don't grow, the log and the stream stay small."""

import pytest

from tests.chaos.soak import HEADER, Soak, complaints

EVENTS = 50_000

pytestmark = pytest.mark.chaos


@pytest.mark.timeout(600)
def test_many_events_through_one_partition(templates, tmp_path, valkey):
    soak = Soak(EVENTS, templates.new("sqlite", tmp_path), valkey, tmp_path)
    samples = soak.samples()
    print(HEADER, *samples, sep="\n")  # noqa: T201 - how it went
    assert complaints(soak, samples) == []
