"""`tryout` over the events of real purchases: planted changes are found, and no row changes.

`make tried FILE=cdnow_master.txt`: 50,000 purchases of that file; without it, of the sample.
`TRIED_ORDERS` chooses another number.
"""

import os
import subprocess
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests import copies, processes
from tests.copies import CONTEXTS
from tests.databases import ENVIRONMENT, Databases

ORDERS = int(os.environ.get("TRIED_ORDERS", "300"))
FILE = os.environ.get("TRIED_FILE", "orders/data/cdnow_sample.txt")
PLANTED = {
    "bought_at=order.placed_at": "bought_at=order.placed_at.replace(year=1999)",
    "(order.customer_id, line.sku) for line in order.lines": "(order.customer_id, line.sku)"
    ' for line in order.lines if line.sku != "CD-07"',
}
GROUPS = {
    "reviews_purchase: missing",
    "reviews_verifiedcustomer: missing",
    "reviews_purchase.bought_at",
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300 + ORDERS // 5)]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The project under git, with its first version."""
    folder = copies.whole(tmp_path / "shop")
    for command in (
        ["init", "-q"],
        ["add", "-A", "-f", "."],
        ["commit", "-qm", "The first version"],
    ):
        who = ("-c", "user.name=Maria", "-c", "user.email=maria@example.org")
        subprocess.run(["git", *who, *command], cwd=folder, check=True, capture_output=True)
    return folder


def checksums(url: str) -> dict[str, str]:
    """Of all rows of each table."""
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace"
        ).fetchall()
        query = "SELECT md5(string_agg(each::text, '' ORDER BY each::text)) FROM {} AS each"
        return {
            name: connection.execute(sql.SQL(query).format(sql.Identifier(name))).fetchone()[0]
            for (name,) in names
        }


def test_planted_changes_are_found_and_no_row_changes(
    shop: Path, databases: Databases, redis_url: str, tmp_path: Path
):
    env = {"CONTEXTS": ",".join(CONTEXTS), "REDIS_URL": redis_url, "CARVEOUT_DIR": str(tmp_path)}
    url = databases.new("postgres", shop, env, tmp_path)
    env = {**ENVIRONMENT, **env, "DATABASE_URL": url, "COLUMNS": "200"}

    def manage(*arguments: str) -> str:
        return processes.run(*arguments, folder=shop, env=env, timeout_s=300 + ORDERS / 5)

    manage("import_orders", FILE, "--limit", str(ORDERS))
    manage("relay", "--once")
    manage("consume", "reviews", "--once")
    before = checksums(url)
    path = shop / "reviews/verification.py"
    text = path.read_text()
    for old, new in PLANTED.items():
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    arguments = ("reviews.mark_verified", "--against", "HEAD", "--events", str(2 * ORDERS))
    printed = manage("tryout", *arguments, "--emptied")
    print(f"\n{printed}")  # noqa: T201
    kinds = {
        line.split(" different: ")[1].split(": `")[0]
        for line in printed.splitlines()
        if " different: " in line
    }
    assert kinds == GROUPS
    assert checksums(url) == before
