"""`manage.py announce` in a project of its own: declared, migrated, handled, taken back."""

import os
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from tests.copies import ROOT
from tests.forks import python
from tests.servers import PostgresForTests, ValkeyForTests

SETTINGS = """
    import os
    import dj_database_url
    SECRET_KEY = "not-secret"
    DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}
    INSTALLED_APPS = ["carveout", "fair", "ledger"]
    CARVEOUT = {
        "REDIS_URL": os.environ["REDIS_URL"],
        "CONTEXTS": {"fair": {"apps": ["fair"]}, "ledger": {"apps": ["ledger"]}},
        "BLOCK_MS": 20,
    }
    DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
    USE_TZ = True
"""
MODELS = """
    from django.db import models

    class Ride(models.Model):
        name = models.CharField(max_length=40, unique=True)
        price = models.DecimalField(max_digits=8, decimal_places=2, default=1)
        NEW = models.IntegerField(default=0)
"""
EVENTS = """
    from decimal import Decimal
    import carveout
    from fair.models import Ride

    class RideAdded(carveout.Event, key="ride"):
        ride: str

    class RidePriced(carveout.Event, key="ride"):
        ride: str
        price: Decimal

    class RideRemoved(carveout.Event, key="ride"):
        ride: str

    carveout.announces(
        Ride,
        created=RideAdded,
        changed=(RidePriced, ["price"]),
        deleted=RideRemoved,
        fields={"ride": "name"},
    )
"""
HANDLERS = """
    import carveout

    @carveout.subscribe("fair.RideAdded", "fair.RidePriced", "fair.RideRemoved")
    def keep(event):
        print("handled", event.type, event.key, event.data.get("price", ""))
"""
MANAGE = """
    import importlib, os, sys
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
    from django.core.management import execute_from_command_line
    for line in sys.argv[1:]:
        importlib.invalidate_caches()
        try:
            command, _, code = line.partition(" -c ")
            rest = ["--verbosity", "0", "-c", code] if code else []
            execute_from_command_line(["manage.py", *command.split(), *rest])
        except SystemExit as ended:
            print("ended with", ended.code)
"""
WRITES = """
    from django.db import transaction
    from django.db.models import F
    from fair.models import Ride
    with transaction.atomic():
        Ride.objects.bulk_create([Ride(name="swing"), Ride(name="wheel"), Ride(name="train")])
        Ride.objects.update(price=F("price") + 1)
        Ride.objects.filter(name="train")._raw_delete("default")
    try:
        with transaction.atomic():
            Ride.objects.create(name="ghost")
            raise KeyError
    except KeyError:
        pass
"""
Manage = Callable[..., str]


@pytest.fixture(params=["sqlite", "postgres"])
def manage(request: pytest.FixtureRequest, tmp_path: Path, valkey: ValkeyForTests) -> Manage:
    """A project of two contexts without migrations. Gives: runs its manage.py."""
    url = f"sqlite:///{tmp_path}/db.sqlite3"
    if request.param == "postgres":
        server: PostgresForTests = request.getfixturevalue("postgres")
        url = server.url(server.create())
    for path, text in {
        "settings.py": SETTINGS,
        "manage.py": MANAGE,
        "fair/__init__.py": "",
        "fair/models.py": MODELS.replace("NEW = models.IntegerField(default=0)", ""),
        "fair/events.py": EVENTS,
        "ledger/__init__.py": "",
        "ledger/subscribers.py": HANDLERS,
    }.items():
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(dedent(text))
    env = os.environ | {
        "DATABASE_URL": url,
        "REDIS_URL": valkey.url,
        "PYTHONPATH": str(ROOT),
    }

    def run(*lines: str) -> str:
        done = python("manage.py", *lines, folder=tmp_path, env=env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    run.folder = tmp_path  # type: ignore[attr-defined]
    return run


SAID = "handled fair."
ARRIVE = ("relay --once", "consume ledger --once")


def handled(told: str) -> list[str]:
    lines = told.splitlines()
    return [line[len(SAID) :] for line in lines if line.startswith(SAID)]


def writing(line: str) -> str:
    return f"shell -c from fair.models import Ride; Ride.objects.{line}"


def test_a_table_is_announced_by_a_migration_and_its_events_arrive(manage):
    folder: Path = manage.folder
    file = folder / "fair" / "migrations" / "0002_announce_fair_ride.py"
    shown = manage("announce", "makemigrations fair", "announce", "announce --check")
    assert "Run `manage.py makemigrations fair`" in shown
    assert "fair.Ride (fair_ride), fair/events.py:" in shown
    assert "fair/migrations/0002_announce_fair_ride.py (new)" in shown
    assert "Nothing was written. Next: manage.py announce --write" in shown
    assert shown.count("ended with 1") == 2
    assert "have to be written" in shown
    assert not file.exists()

    shown = manage(
        *(
            "migrate -v0",
            "announce --write",
            "doctor",
            "announce --check",
            "makemigrations --check",
        ),
        *("sqlmigrate fair 0002", "migrate -v0", "consume ledger --once"),
        *(f"shell -c {dedent(WRITES)}", *ARRIVE),
    )
    assert "Next: run your tests, then manage.py migrate" in shown
    assert "Its migrations are as declared." in shown
    assert "No changes detected" in shown
    assert 'CREATE TRIGGER "carveout_fair_ride_created"' in shown
    assert (
        "is missing: changes are stored without events. Fix: run `manage.py migrate fair"
        " --database default`"
    ) in shown
    assert shown.count("ended with") == 1  # the doctor
    assert "import carveout" not in file.read_text() and "from carveout" not in file.read_text()
    assert handled(shown) == [
        *("RideAdded swing ", "RideAdded wheel ", "RideAdded train "),
        *("RidePriced swing 2.00", "RidePriced wheel 2.00", "RidePriced train 2.00"),
        "RideRemoved train ",
    ]
    back_and_forth = manage(
        *("migrate -v0 fair 0001", writing("create(name='x')"), *ARRIVE),
        *("migrate -v0 fair", writing("create(name='y')"), *ARRIVE),
    )
    assert handled(back_and_forth) == ["RideAdded y "]

    # A new column lets SQLite make the table anew, and a declaration may change.
    (folder / "fair" / "models.py").write_text(dedent(MODELS))
    events = dedent(EVENTS).replace('["price"]', '["price", "NEW"]')
    (folder / "fair" / "events.py").write_text(events)
    shown = manage(
        *("makemigrations fair", "announce --write", "migrate -v0", writing("update(NEW=7)")),
        *(*ARRIVE, "migrate -v0 fair 0003", "migrate -v0 fair"),
    )
    assert "It differs from what 0002_announce_fair_ride installs." in shown
    assert [each.split()[0] for each in handled(shown)] == ["RidePriced"] * 4

    (folder / "fair" / "events.py").write_text(events.partition("carveout.announces")[0])
    shown = manage(
        *("announce --write", "migrate -v0", writing("create(name='z')"), *ARRIVE, "announce")
    )
    assert "fair_ride is not announced any more." in shown
    assert handled(shown) == []
    assert "Nothing to write." in shown


LOSE = """
    from django.db import connection
    on = " ON fair_ride" if connection.vendor == "postgresql" else ""
    connection.cursor().execute(f"DROP TRIGGER carveout_fair_ride_created{on}")
"""


def test_a_lost_trigger_and_a_table_made_anew_are_found(manage):
    folder: Path = manage.folder
    manage("makemigrations fair", "announce --write", "migrate -v0")
    shown = manage(
        *(f"shell -c {dedent(LOSE)}", "doctor", "announce --write --again", "migrate -v0 fair"),
        *("doctor", writing("create(name='a')"), "consume ledger --once"),
    )
    fix = "run `manage.py announce fair --write --again`, then `manage.py migrate fair"
    assert fix in shown
    lost, sound, *_ = shown.split("ended with")
    assert "is missing" in lost
    assert "is missing" not in sound
    assert "Table fair_ride: announced by" in sound

    (folder / "fair" / "models.py").write_text(dedent(MODELS))
    shown = manage("makemigrations fair", "announce --write", "migrate -v0", "announce")
    assert "It may have lost its triggers in 0004_ride_new." in shown
    assert "Its migrations are as declared." in shown


BY_HAND = """
    import carveout
    from fair.events import RideAdded

    def add(name):
        carveout.publish(RideAdded(ride=name))
"""


def test_a_type_that_is_announced_and_published_is_an_error_of_check(manage):
    folder: Path = manage.folder
    (folder / "fair" / "services.py").write_text(dedent(BY_HAND))
    shown = manage("check")
    assert "(carveout.E023) fair/services.py:6: code makes the event fair.RideAdded" in shown
