"""The same requests from several processes at once, on the databases that we support.

Threads would not do: the SQLite that Django makes for tests is shared memory, which locks whole
tables instead of waiting.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests import processes
from tests.copies import ROOT
from tests.databases import ENVIRONMENT, Databases, rows

RIVALS, REQUESTS = 3, 25

PLACE_ALL = f"""
from orders.lines import WantedLine
from orders.services import place_order
for n in range({REQUESTS}):
    _, is_new = place_order("7", "a@example.com", [WantedLine("CD-01", 1)], idempotency_key=str(n))
    print("placed" if is_new else "repeated")
"""


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_rivals_with_the_same_keys_place_each_order_once(engine, request, redis_url, tmp_path):
    env = {"REDIS_URL": redis_url, "CONTEXTS": "shop,orders", "CARVEOUT_DIR": str(tmp_path)}
    databases = Databases(tmp_path, lambda: request.getfixturevalue("postgres"))
    (tmp_path / "own").mkdir()
    url = databases.new(engine, ROOT, env, to=tmp_path / "own")
    env = {**ENVIRONMENT, **env, "DATABASE_URL": url}

    def rival(_) -> str:
        return processes.run("shell", "--command", PLACE_ALL, folder=ROOT, env=env)

    with ThreadPoolExecutor(RIVALS) as rivals:
        printed = "".join(rivals.map(rival, range(RIVALS)))
    assert printed.count("placed") == REQUESTS
    assert printed.count("repeated") == REQUESTS * (RIVALS - 1)
    assert rows(url, "SELECT count(*), count(DISTINCT idempotency_key) FROM orders_order") == [
        (REQUESTS, REQUESTS)
    ]
