"""The same requests from several processes at once, on the databases that we support.

Threads would not do: the SQLite that Django makes for tests is shared memory, which locks whole
tables instead of waiting.
"""

from pathlib import Path

import pytest

from tests.copies import ROOT
from tests.databases import ENVIRONMENT, Databases, rows
from tests.nursery import Nursery
from tests.processes import RUN_TIMEOUT_S, Process

RIVALS, REQUESTS = 3, 25

PLACE_ALL = f"""
from orders.lines import WantedLine
from orders.services import place_order
for n in range({REQUESTS}):
    _, is_new = place_order("7", "a@example.com", [WantedLine("CD-01", 1)], idempotency_key=str(n))
    print("placed" if is_new else "repeated")
"""


def printed_by_rivals(env: dict[str, str], folder: Path) -> list[str]:
    """What each rival prints; all have loaded the project before the first begins."""
    command = ("shell", "--command", PLACE_ALL)
    with Nursery(ROOT, env) as nursery:
        rivals = [
            Process("rival", command, ROOT, env, folder / f"rival-{number}.log", lambda: nursery)
            for number in range(RIVALS)
        ]
        for rival in rivals:
            rival.start()
        assert [rival.wait(RUN_TIMEOUT_S) for rival in rivals] == [0] * RIVALS, rivals[0].tail()
    return [rival.printed() for rival in rivals]


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_rivals_with_the_same_keys_place_each_order_once(engine, request, redis_url, tmp_path):
    env = {"REDIS_URL": redis_url, "CONTEXTS": "shop,orders", "CARVEOUT_DIR": str(tmp_path)}
    databases = Databases(tmp_path, lambda: request.getfixturevalue("postgres"))
    (tmp_path / "own").mkdir()
    url = databases.new(engine, ROOT, env, to=tmp_path / "own")
    env = {**ENVIRONMENT, **env, "DATABASE_URL": url}

    printed = "".join(printed_by_rivals(env, tmp_path))
    assert printed.count("placed") == REQUESTS
    assert printed.count("repeated") == REQUESTS * (RIVALS - 1)
    assert rows(url, "SELECT count(*), count(DISTINCT idempotency_key) FROM orders_order") == [
        (REQUESTS, REQUESTS)
    ]
