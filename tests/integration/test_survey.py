"""The survey of the reference project: its contexts know nothing of each other."""

import json
from io import StringIO

from django.core.management import call_command


def surveyed(**options: str) -> str:
    out = StringIO()
    call_command("survey", stdout=out, **options)
    return out.getvalue()


def test_no_context_of_the_reference_project_needs_another():
    assert surveyed().startswith("0 couplings between contexts")
    found = json.loads(surveyed(format="json"))
    contexts = found["contexts"]
    declared = {"shop", "orders", "notifications", "reviews"}
    assert set(found["declared"]) == declared
    pairs = {
        (contexts.get(each["source"]), contexts.get(each["target"]))
        for each in (found["couplings"])
    }
    assert {pair for pair in pairs if {*pair} <= declared and pair[0] != pair[1]} == set()


def test_apps_of_one_context_are_coupled_where_a_grouping_parts_them():
    text = surveyed(contexts="goods=catalogue; pages=storefront")
    assert "pages → goods" in text.split("With apps that are in no context")[0]
