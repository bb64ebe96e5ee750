"""Hosting: `CONTEXTS=orders` runs that context alone, from the same code; databases follow."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from carveout.routers import ContextRouter
from tests.copies import ROOT
from tests.forks import python
from tests.integration.kit.tickets.models import Ticket

LOOK = """
import json, sys, django
django.setup()
from django.apps import apps
from django.urls import get_resolver, Resolver404, resolve
from carveout.events import event
from carveout.lookups.provider import providers
from carveout.subscriptions import subscription
from carveout.conf import get_settings

def served(path):
    try:
        return bool(resolve(path))
    except Resolver404:
        return False

get_resolver().url_patterns
print(json.dumps({
    "apps": sorted(config.name for config in apps.get_app_configs()),
    "modules": sorted(sys.modules),
    "served": [path for path in %s if served(path)],
    "hosted": get_settings().hosted,
    "lookups": sorted(providers),
    "events": sorted(name.split(".")[0] for name in event.registry),
    "subscribers": sorted({each.context for each in subscription.registry.values()}),
}))
"""
PATHS = ["/orders/", "/products/CD-01/", "/reviews/products/CD-01/", "/api/notifications/"]
OTHERS = ("shop.catalogue", "shop.storefront", "reviews", "notifications")


def environment(tmp_path: Path, **changes: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        "SECRET_KEY": "for tests only",
        "CARVEOUT_DIR": str(tmp_path),
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        **{f"URL_{name}": "http://127.0.0.1:9" for name in ("SHOP", "REVIEWS", "NOTIFICATIONS")},
        **changes,
    }


def run(*arguments: str, env: dict[str, str]) -> str:
    done = python(*arguments, folder=ROOT, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tables(database: Path) -> set[str]:
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {name for (name,) in rows}


def belonging(names: set[str], *labels: str) -> set[str]:
    return {label for label in labels if any(name.startswith(f"{label}_") for name in names)}


def test_one_context_alone(tmp_path):
    env = environment(tmp_path, CONTEXTS="orders")
    seen = json.loads(run("-c", LOOK % PATHS, env=env))
    assert seen["hosted"] == ["orders"]
    assert "orders" in seen["apps"]
    assert not set(OTHERS) & set(seen["apps"])
    assert [name for name in seen["modules"] if name.startswith(OTHERS)] == []
    assert seen["served"] == ["/orders/"]
    assert seen["lookups"] == ["orders.order"]
    assert set(seen["events"]) == {"orders"}
    assert seen["subscribers"] == ["orders"]


def test_its_migrations_alone(tmp_path):
    env = environment(tmp_path, CONTEXTS="orders")
    run("manage.py", "migrate", "--verbosity", "0", env=env)
    found = tables(tmp_path / "db.sqlite3")
    contexts = ("catalogue", "orders", "reviews", "notifications")
    assert belonging(found, *contexts) == {"orders"}
    assert "carveout_loggedevent" in found


def test_a_context_with_a_database_of_its_own(tmp_path):
    own = f"sqlite:///{tmp_path}/orders.sqlite3"
    env = environment(tmp_path, CONTEXTS="orders,reviews", DATABASE_URL_ORDERS=own)
    run("manage.py", "migrate", "--verbosity", "0", env=env)
    run("manage.py", "migrate", "--verbosity", "0", "--database", "orders", env=env)
    labels = ("orders", "reviews", "carveout", "auth")
    assert belonging(tables(tmp_path / "db.sqlite3"), *labels) == {"reviews", "carveout", "auth"}
    assert belonging(tables(tmp_path / "orders.sqlite3"), *labels) == {"orders", "carveout"}


def test_an_unknown_context_is_refused_at_start(tmp_path):
    env = environment(tmp_path, CONTEXTS="oders")
    done = python("manage.py", "check", folder=ROOT, env=env)
    assert done.returncode != 0
    assert "unknown hosted context 'oders', did you mean 'orders'?" in done.stderr


class TestTheRouter:
    """Each context's tables in its database, the kit's own beside them."""

    @pytest.fixture(autouse=True)
    def two_databases(self, settings, monkeypatch):
        from django.contrib.auth.models import User

        self.user = User
        monkeypatch.setitem(settings.DATABASES, "apart", dict(settings.DATABASES["default"]))
        contexts = settings.CARVEOUT["CONTEXTS"]
        apart = {**contexts, "orders": {**contexts["orders"], "database": "apart"}}
        settings.CARVEOUT = {**settings.CARVEOUT, "CONTEXTS": apart}

    def test_models_go_to_the_database_of_their_context(self):
        from orders.models import Order
        from reviews.models import Review

        router = ContextRouter()
        for database_for in (router.db_for_read, router.db_for_write):
            assert database_for(Order) == "apart"
            assert database_for(Review) == "default"
            assert database_for(self.user) is None
            assert database_for(Ticket) is None

    @pytest.mark.parametrize(
        ("database", "label", "allowed"),
        [
            ("apart", "orders", True),
            ("default", "orders", False),
            ("default", "reviews", True),
            ("apart", "reviews", False),
            ("apart", "carveout", True),
            ("default", "carveout", True),
            ("apart", "auth", False),
            ("default", "auth", None),
        ],
    )
    def test_migrations_run_where_the_tables_belong(self, database, label, allowed):
        assert ContextRouter().allow_migrate(database, label) is allowed

    def test_of_a_database_that_is_no_contexts_it_says_nothing(self):
        """Another router of the list may then say where its tables belong."""
        assert ContextRouter().allow_migrate("legacy", "auth") is None
        assert ContextRouter().allow_migrate("legacy", "orders") is False

    def test_the_kits_tables_are_only_where_a_hosted_context_is(self, settings):
        settings.CARVEOUT = {**settings.CARVEOUT, "HOSTED": ["reviews"]}
        assert not ContextRouter().allow_migrate("apart", "carveout")
