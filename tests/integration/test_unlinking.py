"""A foreign key of the tangled shop becomes an id by the command, in three steps and back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.copies import ROOT
from tests.forks import python
from tests.integration.test_carving import EDITING, copied, edit
from tests.integration.test_tangled import without_ours
from tests.pages import difference, steps
from tests.servers import PostgresForTests

RELATION = "notifications.Notification.order"
COLUMN = f"{RELATION}_id"
SUBSCRIPTION = "notifications.notification_order_id"
SETTINGS = """
import os

import carveout
import dj_database_url

CARVEOUT = {
    "CONTEXTS": {
        name: {"apps": [name]}
        for name in ("accounts", "catalogue", "notifications", "orders", "reviews")
    },
    "REDIS_URL": os.environ["REDIS_URL"],
}
INSTALLED_APPS += ["carveout"]
DATABASES["default"] |= dj_database_url.parse(os.environ["DATABASE_URL"])
"""
IN_ONE = """
import contextlib, io, json, sys
import django; django.setup()
from django.core.management import call_command
for each in json.loads(sys.argv[1]):
    out = io.StringIO()
    try:
        if "\\n" in each:
            with contextlib.redirect_stdout(out):
                exec(each, {})
        else:
            call_command(*each.split(), stdout=out)
    except BaseException as error:
        out.write(f"{type(error).__name__}: {error}")
    print(json.dumps(out.getvalue()))
"""
ROWS = """
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT * FROM notifications_notification ORDER BY id")
    names = [each[0] for each in cursor.description]
    for row in cursor.fetchall():
        print(sorted(zip(names, map(str, row))))
"""
FILL = """
from accounts.models import Customer
from notifications.models import Notification
from orders.models import Order
buyer = Customer.objects.create(username="a")
for number in range(6):
    order = Order.objects.create(number=f"A-{number}", customer=buyer, email="a@example.com")
    Notification.objects.create(
        order=order, customer=buyer, kind="confirmation", channel="email", recipient="a"
    )
Notification.objects.create(customer=buyer, kind="shipping", channel="sms", recipient="b")
"""


class Shop:
    """A copy of the shop with contexts, on a database of its own."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.folder, self.env = folder, env

    def run(self, *each: str) -> list[str]:
        """Run commands, and code of several lines, in one process. Returns: what each printed."""
        env = without_ours() | {"PYTHONPATH": str(ROOT), "COLUMNS": "100"} | self.env
        code = ("-c", IN_ONE, json.dumps(each))
        done = python(*code, folder=self.folder, env=env, imports=EDITING)
        printed = [line for line in done.stdout.splitlines() if line.startswith('"')]
        assert len(printed) == len(each), done.stdout + done.stderr
        return [json.loads(line) for line in printed]

    def edit(self, file: str, old: str, new: str) -> None:
        edit(self.folder, file, old, new)

    def drop_what_step_three_leaves(self) -> None:
        """What a person does about the uses without a star."""
        self.edit("notifications/admin.py", ', "order__status"]', "]")
        self.edit("notifications/admin.py", '    list_select_related = ["order"]\n', "")
        lookups = ', "order__number", "order__lines__product__name"'
        self.edit("notifications/admin.py", lookups, "")
        self.edit("orders/admin.py", "OrderLineInline, NotificationInline, ", "OrderLineInline, ")
        text = (self.folder / "orders/admin.py").read_text()
        inline = text[text.index("class NotificationInline") : text.index("class NoteInline")]
        counted = text[text.index("    def get_queryset") : text.index("    @admin.action")]
        self.edit("orders/admin.py", inline, "")
        self.edit("orders/admin.py", counted, "")
        self.edit("orders/admin.py", '"total", "told"', '"total"')
        self.edit("orders/admin.py", "from notifications.models import Notification\n", "")
        self.edit("orders/admin.py", "from django.db.models import Count\n", "")


@contextmanager
def url_of(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new database of the kind that a fixture's parameter names."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'shop.sqlite3'}"
        return
    server: PostgresForTests = request.getfixturevalue("postgres")
    name = server.create()
    yield server.url(name)
    server.drop(name)


@pytest.fixture(params=[pytest.param("sqlite", marks=pytest.mark.slow), "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with url_of(request, tmp_path) as url:
        yield url


@pytest.fixture
def shop(tmp_path: Path, database_url: str, redis_url: str) -> Shop:
    folder = copied(tmp_path / "shop")
    with (folder / "config/settings.py").open("a") as settings:
        settings.write(SETTINGS)
    env = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    return Shop(folder, env)


KEYS = """
from django.db import connection
with connection.cursor() as cursor:
    found = connection.introspection.get_constraints(cursor, "notifications_notification")
print(sorted(each["columns"] for each in found.values() if each["foreign_key"]))
print(sorted(each["columns"] for each in found.values() if each["index"]))
"""
"""The columns of the table that are foreign keys, and those that have an index."""
DELETE = """
from django.db import connection
from orders.models import Order
Order.objects.get(number="A-0").delete()
connection.cursor().execute("DELETE FROM orders_order WHERE number = 'A-1'")
"""
LATE = """
from notifications.models import Notification
Notification.objects.filter(order_id=6).update(order_id=99)
"""
NAMED = """
from carveout.models import Cursor
Cursor.objects.update(subscription="{}")
"""
PAGE = ROOT / "docs/howto/unlink.md"
WRITTEN = "Written: notifications/subscribers.py."
DRY = f"unlink {RELATION}"
MIGRATE, CHECK = "migrate -v 0", "check"
STEP, BACK = f"unlink {RELATION} --write", "migrate -v 0 notifications 0001"
ANNOUNCE, CONSUME = "announce orders --write", "consume notifications --once"
SWEEP = f"unlink --sweep {COLUMN} --wait 0"


def test_a_key_becomes_an_id_in_three_steps_and_back(shop):
    # 1: orders announces deleted rows.
    dry, _, _, _, second, _, third, swept = (each.shown for each in steps(PAGE.read_text()))
    _, _, before, keys, planned, shown = shop.run(MIGRATE, FILL, ROWS, KEYS, DRY, STEP)
    assert not difference(dry, planned)
    assert keys.splitlines()[0] == "[['order_id']]"
    assert before.count("('order_id', ") == 7 and "7 rows, 1 without" in shown
    assert "Step 1 of 3: orders announces deleted rows." in shown
    assert "Written: orders/events.py, orders/lookups.py." in shown
    early, _ = shop.run(STEP, ANNOUNCE)
    assert "orders/events.py:14: the trigger" in early and "is missing" in early
    assert "Fix: run `manage.py announce orders --write`, then `manage.py migrate`" in early

    # 2: notifications follows them.
    _, shown = shop.run(MIGRATE, STEP)
    assert not difference(second[: second.index(WRITTEN)], shown)
    assert "Step 2 of 3: notifications follows them." in shown
    assert "Written: notifications/subscribers.py." in shown
    early, checked, _, _, shown = shop.run(STEP, CHECK, "relay --once", CONSUME, STEP)
    assert "the subscription notifications.notification_order_id has not begun" in early
    assert "Fix: deploy it first; here, run `manage.py consume notifications --once`" in early
    assert "no issues" in checked

    # 3: the constraint goes.
    assert not difference(third, shown)
    assert "* notifications/services.py:25" in shown
    assert "order__status  →  DECIDE: drop it, or an own copy of status" in shown
    shop.drop_what_step_three_leaves()
    checked, made, _, early, _, _, again, after, unlinked, *_, refused, _, _, followed = shop.run(
        *(CHECK, "makemigrations --check"),
        # A release that was forgotten: events are handled there, but not those of deleted rows.
        *(NAMED.format("notifications.another"), MIGRATE, NAMED.format(SUBSCRIPTION)),
        *(MIGRATE, STEP, ROWS, KEYS),
        # Deleted rows are followed, whoever deletes them.
        *(DELETE, BACK, "relay --once", CONSUME, ROWS),
    )
    assert "no issues" in checked and "No changes detected" in made
    assert f"CommandError: The subscription {SUBSCRIPTION} has not begun" in early
    assert again.endswith(f"{COLUMN}. Nothing to write.\n"), again
    assert after == before
    assert unlinked.splitlines() == ["[]", keys.splitlines()[1]]
    assert "has ids without a row in" in refused and "--sweep" in refused
    assert followed.count("('order_id', 'None')") == 3

    # What is written after the event is found by the sweep. And back, and forth.
    _, first, again, rows, _, back, _, forth, kept = shop.run(
        LATE, SWEEP, SWEEP, ROWS, BACK, KEYS, MIGRATE, KEYS, ROWS
    )
    assert not difference(swept, first)
    assert again == "3 ids compared, 0 without a row, 0 rows deleted or changed.\n"
    assert (back, forth, kept) == (keys, unlinked, rows)
