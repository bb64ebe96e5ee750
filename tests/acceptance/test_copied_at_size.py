# ruff: noqa: S608 - the names in its SQL are its own
"""An own copy is filled over HTTP while rows change and processes are killed; nothing differs.

`make copied` does it with a million rows and 100,000 changes; `COPIED_ROWS` and `COPIED_CHANGES`
choose other numbers.
"""

import os
import random
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.copies import ROOT
from tests.eventually import eventually
from tests.integration.test_tangled import without_ours
from tests.processes import Process, run
from tests.servers import PostgresForTests, free_port

ROWS = int(os.environ.get("COPIED_ROWS", "20000"))
CHANGES = int(os.environ.get("COPIED_CHANGES", "2000"))
SEED = int(os.environ.get("COPIED_SEED", "1"))
PER_S = 400
"""Changes per second."""
PLANTED = 50

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400 + ROWS // 500 + CHANGES // 50)]

SETTINGS = """
import os
import dj_database_url

SECRET_KEY = "the same in both deployments, as it signs the tokens between them"
ROOT_URLCONF = "urls"
ALLOWED_HOSTS = ["127.0.0.1"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
HOSTED = os.environ["CONTEXTS"]
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", HOSTED, "carveout"]
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}
CARVEOUT = {
    "CONTEXTS": {
        "goods": {"apps": ["goods"], "url": os.environ["URL_GOODS"]},
        "desk": {"apps": ["desk"]},
    },
    "REDIS_URL": os.environ["REDIS_URL"],
}
"""
FILES = {
    "manage.py": """
        import os, sys
        from django.core.management import execute_from_command_line
        os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
        execute_from_command_line(sys.argv)
    """,
    "urls.py": """
        from django.urls import include, path
        urlpatterns = [path("internal/", include("carveout.urls"))]
    """,
    "goods/models.py": """
        from django.db import models

        class Item(models.Model):
            sku = models.CharField(max_length=32, unique=True)
            name = models.CharField(max_length=200)
            price = models.DecimalField(max_digits=10, decimal_places=2)
            changed_at = models.DateTimeField()
    """,
    "goods/events.py": """
        import carveout
        from goods.models import Item

        class ItemAdded(carveout.Event, key="sku"):
            sku: str

        class ItemChanged(carveout.Event, key="sku"):
            sku: str

        class ItemRemoved(carveout.Event, key="sku"):
            sku: str

        carveout.announces(
            Item,
            created=ItemAdded,
            changed=(ItemChanged, ["name", "price", "changed_at"]),
            deleted=ItemRemoved,
        )
    """,
    "goods/lookups.py": """
        import carveout
        from goods.models import Item
        from rest_framework.serializers import ModelSerializer

        class ItemSerializer(ModelSerializer):
            class Meta:
                model = Item
                fields = ["sku", "name", "price", "changed_at"]

        @carveout.lookup("item", key="sku")
        class ItemLookup(carveout.LookupViewSet):
            queryset = Item.objects.all()
            serializer_class = ItemSerializer
    """,
    "desk/models.py": """
        import carveout
        from django.db import models

        EVENTS = ["goods.ItemAdded", "goods.ItemChanged", "goods.ItemRemoved"]

        class Item(carveout.Copy, of="goods.item", key="sku", on=EVENTS):
            sku = models.CharField(max_length=32, primary_key=True)
            name = models.CharField(max_length=200, db_index=True)
            price = models.DecimalField(max_digits=10, decimal_places=2)
            changed_at = models.DateTimeField()
    """,
}
COLUMNS = "sku, name, price, changed_at"


class Deployment:
    """One context with a database and processes of its own."""

    def __init__(self, context: str, folder: Path, url: str, env: dict[str, str]) -> None:
        self.folder, self.url = folder, url
        self.env = without_ours() | {"PYTHONPATH": str(ROOT), "DATABASE_URL": url} | env
        self.env |= {"CONTEXTS": context, "DJANGO_SETTINGS_MODULE": "settings"}
        self.env["PYTHONUNBUFFERED"] = "1"

    def run(self, *arguments: str) -> str:
        return run(*arguments, folder=self.folder, env=self.env)

    def process(self, *arguments: str) -> Process:
        log = self.folder / f"{arguments[0]}.log"
        return Process(arguments[0], arguments, self.folder, self.env, log)

    def sql(self, statement: str, *given: Any) -> list[Any]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement, given or None)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture
def deployments(
    tmp_path: Path, postgres: PostgresForTests, redis_url: str
) -> Iterator[tuple[Deployment, Deployment]]:
    """The owner of the rows, and who copies them; each has its own database."""
    for name, text in {**FILES, "settings.py": SETTINGS}.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(textwrap.dedent(text))
        (file.parent / "__init__.py").touch()
    port = free_port()
    env = {"URL_GOODS": f"http://127.0.0.1:{port}/internal", "REDIS_URL": redis_url}
    names = [postgres.create(), postgres.create()]
    goods, desk = (
        Deployment(context, tmp_path, postgres.url(name), env)
        for context, name in zip(("goods", "desk"), names, strict=True)
    )
    goods.run("makemigrations", "-v", "0", "goods")
    goods.run("announce", "goods", "--write")
    desk.run("makemigrations", "-v", "0", "desk")
    for each in (goods, desk):
        each.run("migrate", "-v", "0")
    web = goods.process("runserver", "--noreload", f"127.0.0.1:{port}")
    web.start()
    try:
        web.wait_until_it_says("Quit the server")
        yield goods, desk
    finally:
        web.end()
    for name in names:
        postgres.drop(name)


@pytest.fixture
def workers(deployments: tuple[Deployment, Deployment]) -> Iterator[list[Process]]:
    goods, desk = deployments
    workers = [goods.process("relay"), desk.process("consume", "desk")]
    yield workers
    for each in workers:
        each.end()


def test_a_copy_is_filled_while_rows_change_and_processes_are_killed(deployments, workers):
    goods, desk = deployments
    goods.sql("ALTER TABLE goods_item DISABLE TRIGGER USER")  # these rows are from before
    goods.sql(
        f"INSERT INTO goods_item ({COLUMNS}) SELECT 'sku-' || number, 'Item ' || number,"
        f" number % 1000 / 100.0, now() FROM generate_series(1, {ROWS}) AS each(number)"
    )
    goods.sql("ALTER TABLE goods_item ENABLE TRIGGER USER")
    for each in workers:
        each.start()
    eventually(lambda: desk.sql("SELECT 1 FROM carveout_cursor"))

    filling, changes = Filling(desk), Changes(goods)
    changes.start()
    filling.start()
    rng, kills = random.Random(SEED), 0
    while changes.is_alive() or filling.is_alive():
        time.sleep(rng.uniform(2.0, 8.0))
        victim = rng.choice([*workers, filling])
        kills += 1
        victim.kill()
        if victim is not filling:
            victim.start()
    eventually(lambda: is_handled(goods, desk), timeout_s=120)
    memory = max(filling.memory_mb, *map(memory_mb, workers))
    same = f"SELECT count(*), md5(string_agg(md5(row({COLUMNS})::text), '' ORDER BY sku)) FROM "
    assert desk.sql(same + "desk_item") == goods.sql(same + "goods_item")
    print(  # noqa: T201
        f"\n{ROWS:,} rows filled in {filling.took_s:.0f} s of work, while {changes}; {kills} kills;"
        f" at most {memory:.0f} MB in a process"
    )

    began = time.monotonic()
    assert "none differs; 0 under way" in desk.run("copies", "verify", "desk.Item")
    took = time.monotonic() - began
    planted = plant(desk)
    repaired = desk.run("copies", "verify", "desk.Item", "--repair")
    assert f"{PLANTED} differ, repaired; 0 under way" in repaired
    assert desk.sql(same + "desk_item") == goods.sql(same + "goods_item")
    print(f"verified in {took:.0f} s; {planted} planted differences found and repaired")  # noqa: T201


def is_handled(goods: Deployment, desk: Deployment) -> bool:
    waiting = goods.sql("SELECT count(*) FROM carveout_loggedevent WHERE position IS NULL")[0][0]
    heads = dict(goods.sql("SELECT number, head FROM carveout_partition WHERE context = 'goods'"))
    cursors = dict(desk.sql('SELECT "partition", position FROM carveout_cursor'))
    parked = desk.sql("SELECT count(*) FROM carveout_delivery")[0][0]
    return not waiting and cursors == heads and not parked


def memory_mb(process: Process) -> float:
    """The most that it has used."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(kilobytes) / 1000


class Filling(threading.Thread):
    """The command that fills, begun again whenever it was killed."""

    def __init__(self, desk: Deployment) -> None:
        super().__init__()
        self._process = desk.process("copies", "fill", "desk.Item")
        self.memory_mb = self.took_s = 0.0

    def run(self) -> None:
        while "Done." not in self._process.printed():
            began = time.monotonic()
            self._process.start()
            while self._process.running:
                try:
                    self.memory_mb = max(self.memory_mb, memory_mb(self._process))
                except (OSError, StopIteration):
                    break  # it ends
                time.sleep(0.1)
            self._process.wait()
            self.took_s += time.monotonic() - began

    def kill(self) -> None:
        if self._process.running:
            self._process.kill()


class Changes(threading.Thread):
    """Rows are added, changed and removed by another program, in small transactions."""

    def __init__(self, goods: Deployment) -> None:
        super().__init__()
        self._goods = goods
        self.done = {"changed": 0, "added": 0, "removed": 0}

    def __str__(self) -> str:
        return ", ".join(f"{count:,} were {what}" for what, count in self.done.items())

    def run(self) -> None:
        rng, began = random.Random(SEED), time.monotonic()
        statements = {
            "changed": "UPDATE goods_item SET name = name || '!', price = price + 1,"
            " changed_at = now() WHERE sku = %s",
            "added": f"INSERT INTO goods_item ({COLUMNS}) VALUES (%s, 'new', 1, now())"
            " ON CONFLICT (sku) DO NOTHING",
            "removed": "DELETE FROM goods_item WHERE sku = %s",
        }
        with psycopg.connect(self._goods.url, autocommit=True) as connection:
            for count in range(CHANGES):
                what = rng.choices([*statements], [6, 2, 2])[0]
                # Those that were removed are added again, and few keys change often.
                number = rng.randrange(ROWS) if rng.random() < 0.8 else rng.randrange(200)
                sku = f"sku-{number}" if what != "added" or rng.random() < 0.7 else f"new-{count}"
                connection.execute(statements[what], [sku])
                self.done[what] += 1
                time.sleep(max(began + count / PER_S - time.monotonic(), 0))


def plant(desk: Deployment) -> int:
    """Let rows be missing, different and too many."""
    skus = [row[0] for row in desk.sql("SELECT sku FROM desk_item ORDER BY random() LIMIT 40")]
    desk.sql("DELETE FROM desk_item WHERE sku = ANY(%s)", skus[:20])
    desk.sql("UPDATE desk_item SET price = price + 1 WHERE sku = ANY(%s)", skus[20:])
    for number in range(10):
        insert = f"INSERT INTO desk_item ({COLUMNS}) VALUES (%s, 'x', 1, now())"
        desk.sql(insert, f"extra-{number}")
    return PLANTED
