"""The four styles of event-driven architecture: what `bench/styles.py` counts of each.

Slow: eight databases, and the processes of four systems one after the other.
"""

from pathlib import Path

import pytest

from bench import servers, styles

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
ORDERS, CANCELLED = 10, 1


def test_each_style_costs_the_owner_what_its_page_says(tmp_path, monkeypatch):
    monkeypatch.setattr(styles, "DOWN_S", 3.0)
    measured = {}
    with servers.started() as urls:
        for style in styles.STYLES:
            folder = Path(tmp_path, style)
            folder.mkdir()
            run = styles.Run(style, *urls, folder)
            with run.started():
                measured[style] = run.measure(ORDERS)

    asked = {style for style, each in measured.items() if each.requests}
    assert asked == {"notified", "copied"}
    known = {style: each.known_while_down for style, each in measured.items()}
    assert known == {"notified": 0, "carried": ORDERS, "sourced": ORDERS, "copied": 0}
    past = {style: each.handled_as_placed for style, each in measured.items()}
    assert past == {"notified": 0, "carried": CANCELLED, "sourced": CANCELLED, "copied": None}
    sizes = {style: each.redis_bytes for style, each in measured.items()}
    assert sizes["carried"] > 1.2 * sizes["notified"]
