"""The recorder beside the tests of the shop before carving: it finds what its README lists."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.copies import ROOT
from tests.integration.test_tangled import APPS, TANGLED, rows

LISTED = rows("What only running shows")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    file = tmp_path_factory.mktemp("tangled") / "record.json"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    ran = subprocess.run(
        [*command, f"--carveout-record={file}"],
        cwd=TANGLED,
        env=os.environ
        | {"PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "config.test_settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = json.loads(file.read_text())
    assert found["notices"] == []
    return found["couplings"]


def of_kind(kind: str, recorded: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    return {
        (each["source_symbol"], each["target_symbol"], f"{each['file']}:{each['line']}")
        for each in recorded
        if each["kind"] == kind and each["target"] in APPS
    }


def listed(kind: str) -> set[tuple[str, str, str]]:
    return {
        (each.source, each.target, f"{each.path}:{each.line}")
        for each in LISTED
        if each.kind == kind
    }


def test_cascades_are_those_of_the_list(recorded):
    assert of_kind("cascade", recorded) == listed("cascade")


def test_shared_transactions_are_those_of_the_list_and_of_the_request_that_is_one(recorded):
    """One test turns ATOMIC_REQUESTS on, as production has it: then the view opens one as well."""
    found = of_kind("transaction", recorded)
    of_the_view = {each for each in found if each[0] == "orders.views.cancel"}
    assert found - of_the_view == listed("transaction")
    assert {target for _, target, _ in of_the_view} >= {"catalogue.Product", "reviews.Purchase"}


def test_joins_of_every_origin_are_found_where_they_are_asked_for(recorded):
    joins = {(source, target) for source, target, _ in of_kind("join", recorded)}
    assert joins >= {
        ("accounts.admin.CustomerAdmin.get_queryset", "orders.Order"),
        ("catalogue.services.bestsellers", "orders.OrderLine"),
        ("orders.admin.OrderAdmin", "catalogue.Product"),
        ("reviews.exports.of_customer", "catalogue.Product"),
    }


def test_what_django_asks_for_a_permission_is_no_coupling_of_the_page(recorded):
    targets = {each["target_symbol"] for each in recorded}
    assert not targets & {"accounts.Customer_groups", "accounts.Customer_user_permissions"}
