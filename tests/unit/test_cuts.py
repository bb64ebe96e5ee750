"""The cut for each coupling: what the plan says, and which command it names."""

import re

import pytest
from django.core.management import find_commands

from carveout.carving.plan.cut import cut
from carveout.carving.plan.points import shown
from carveout.carving.plan.rules.on_delete import BY_RULE
from carveout.carving.plan.rules.rule import parted
from carveout.carving.plan.rules.table import GENERAL, RULES
from carveout.carving.survey.coupling import EVERY, Coupling
from tests.copies import ROOT
from tests.surveys import coupling

NO_FORMS = {"on_delete", "db_constraint", "*", "LOGIN_URL"}
"""What the table puts between backticks besides forms."""


def forms() -> list[tuple[str, str]]:
    """Each kind and form in the table of what the survey finds."""
    page = (ROOT / "docs/howto/survey.md").read_text()
    page = page.split("## What is found")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([\w ]+)` \| (.*) \|$", page, re.MULTILINE)
    return [
        (kind, form)
        for kind, cell in rows
        for form in re.findall(r"`([^`]+)`", cell)
        if form not in NO_FORMS
    ]


RECORDED = [("join", "select"), ("cascade", "delete"), ("transaction", "atomic")]


@pytest.mark.parametrize(("kind", "form"), [*forms(), *RECORDED], ids=str)
def test_every_kind_and_form_of_the_survey_has_its_cut(kind, form):
    assert (kind, form) in RULES or (kind, "") in RULES
    known = coupling("orders", "stock", kind=kind, form=form, details={"on_delete": "CASCADE"})
    assert known.source_symbol in cut(known).text
    assert known.target_symbol in cut(known).text
    assert cut(known).points > 0


def test_the_table_of_the_survey_is_read():
    assert len(forms()) >= 37
    assert {kind for kind, _ in forms()} >= {"import", "relation", "receiver", "url", "migration"}


def test_an_unknown_form_is_cut_as_its_kind_and_an_unknown_kind_in_general():
    odd = cut(coupling("orders", "stock", kind="relation", form="hypercube"))
    assert odd.to == "id and lookup"
    assert odd.command == ""  # `unlink` is for foreign keys
    odd = cut(coupling("orders", "stock", kind="telepathy", form="module"))
    assert odd.to == GENERAL.to
    assert odd.doubts == [GENERAL.doubt]


def test_a_foreign_key_is_unlinked_and_its_deletion_follows_by_an_event():
    key = coupling(
        "orders",
        "accounts",
        kind="relation",
        form="foreign key",
        source_symbol="orders.Order.customer",
        target_symbol="accounts.Customer",
        details={"on_delete": "CASCADE"},
    )
    assert cut(key).command == "manage.py unlink orders.Order.customer"
    assert cut(key).text == (
        "Keep the id of accounts.Customer in orders.Order.customer without a constraint, and read"
        " the rest through a lookup of accounts. An event of accounts reports that a row of"
        " accounts.Customer was deleted, and a subscriber deletes these rows."
    )


def test_what_deletion_does_makes_a_relation_dearer():
    points = {
        rule: cut(
            coupling("a", "b", kind="relation", form="foreign key", details={"on_delete": rule})
        ).points
        for rule in ("DO_NOTHING", "SET_NULL", "CASCADE", "PROTECT", "rule_of_their_own")
    }
    assert points["DO_NOTHING"] < points["SET_NULL"] < points["CASCADE"] < points["PROTECT"]
    assert points["rule_of_their_own"] == points["CASCADE"]


@pytest.mark.parametrize(
    ("target", "names", "to", "command"),
    [
        ("b.services", ["send"], "event", "manage.py carve b.services.send"),
        (
            "b.services",
            ["bill", "send"],
            "event",
            "manage.py carve b.services.bill && manage.py carve b.services.send",
        ),
        ("b.services", [], "event or lookup", ""),
        ("b.models", ["due_date"], "event", "manage.py carve b.models.due_date"),
        ("b.models", ["STATES"], "copy", ""),
        ("b.models", ["Bill"], "lookup or event", ""),
        ("b.forms", ["BillForm", "clean"], "copy or library", ""),
        ("b.signals", ["billed"], "event", ""),
        ("b.conf", ["VAT", "DAYS_MAX"], "copy", ""),
        ("b.utils.text", ["slug_of"], "copy or library", ""),
        ("b.services", ["get_bill", "is_paid"], "lookup", ""),
        (
            "b.services",
            ["get_bill", "pay"],
            "event",
            "manage.py carve b.services.get_bill && manage.py carve b.services.pay",
        ),
        ("b.urls", ["patterns"], "own mount", ""),
    ],
)
def test_an_import_is_cut_by_what_it_imports(target, names, to, command):
    functions = [f"{target}.{each}" for each in names if each.islower()]
    details = {"names": names, "functions": functions} if names else {}
    found = cut(coupling("a", "b", target_symbol=target, details=details))
    assert (found.to, found.command) == (to, command)


def test_what_is_called_of_a_module_is_named():
    """Also where the module is imported whole, and where the name is passed on by a package."""
    calls = ["b.services.Mailer.send", "b.services.tell"]
    commands = "manage.py carve b.services.Mailer.send && manage.py carve b.services.tell"
    whole = {"used": ["Mailer", "tell"], "calls": calls[1:]}
    assert cut(coupling("a", "b", target_symbol="b.services", details=whole)).command == ""
    whole = {"used": ["Mailer", "tell"], "calls": calls}
    assert cut(coupling("a", "b", target_symbol="b.services", details=whole)).command == commands
    passed_on = {"names": ["tell"], "calls": ["b.services.tell"]}
    found = cut(coupling("a", "b", target_symbol="b", details=passed_on))
    assert found.command == "manage.py carve b.services.tell"


def test_constants_are_copied_also_where_more_is_imported_beside_them():
    told = {"target_symbol": "b.models", "details": {"names": ["Status"], "constants": ["Status"]}}
    found = cut(coupling("a", "b", **told))
    assert (found.to, found.points) == ("copy", 1)
    assert found.text.startswith("Copy Status of b.models next to a.module0, or")
    nested = {"names": ["Order", "MAX"], "constants": ["Order.Status"]}
    found = cut(coupling("a", "b", target_symbol="b.models", details=nested))
    assert found.text.startswith("Copy MAX, Order.Status of b.models next to")
    both = {"names": ["Order", "Status"], "constants": ["Status"]}
    found = cut(coupling("a", "b", target_symbol="b.models", details=both))
    assert found.to == "lookup or event"
    assert found.text.startswith("Do not use Order of b.models in a.module0: ")
    assert " Copy Status of b.models next to a.module0" in found.text
    both = {"names": ["Kind", "tell"], "constants": ["Kind"], "functions": ["b.services.tell"]}
    found = cut(coupling("a", "b", target_symbol="b.services", details=both))
    assert found.command == "manage.py carve b.services.tell"


def test_no_command_has_a_blank_to_fill_in():
    assert [way.command for way in RULES.values() if re.search(r"[A-Z]{2}", way.command)] == []


def test_what_only_old_migrations_need_falls_away():
    file = "a/migrations/0002_more.py"
    for kind in ("import", "string"):
        assert cut(coupling("a", "b", kind=kind, file=file)).to == "falls away"
    assert cut(coupling("a", "b", kind="query", form="raw SQL", file=file)).points == 8


@pytest.mark.parametrize(
    ("target", "to", "command"),
    [
        ("b.tasks.remind", "event or lookup", "manage.py carve b.tasks.remind"),
        ("b.gateways.Gateway", "copy or library", ""),
        ("notifications", "setting of its own", ""),
    ],
)
def test_a_dotted_path_is_cut_by_what_it_names(target, to, command):
    details = {"functions": [target]} if command else {}
    named = {"kind": "string", "form": "dotted path", "target_symbol": target}
    found = cut(coupling("a", "b", **named, details=details))
    assert (found.to, found.command) == (to, command)


@pytest.mark.parametrize("target", ["b.models.hmac.compare_digest", "b.error_codes.FUNCTION"])
def test_no_command_names_what_the_survey_did_not_see_to_be_a_function_of_the_app(target):
    named = {"kind": "string", "form": "dotted path", "target_symbol": target}
    assert cut(coupling("a", "b", **named)).command == ""
    imported = {"target_symbol": target.rpartition(".")[0], "details": {"names": ["request"]}}
    assert cut(coupling("a", "b", **imported)).command == ""
    of_others = cut(coupling("a", "b", **named, details={"of": "hmac.compare_digest"}))
    assert (of_others.to, of_others.command) == ("other name", "")


def seen(kind: str, **details: object) -> Coupling:
    symbols = {"source_symbol": "shop.services.close", "target_symbol": "stock.Item"}
    return coupling("shop", "stock", kind=kind, form="delete", details=details, **symbols)


def test_a_cascade_is_unlinked_where_it_comes_into_the_other_app():
    chain = ["shop.Order", "shop.Line.order (CASCADE)", "stock.Hold.line (CASCADE)"]
    chain += ["stock.Item.hold (SET_NULL)"]
    assert cut(seen("cascade", chain=chain)).command == "manage.py unlink stock.Hold.line"
    assert cut(seen("cascade", chain=["shop.Order"])).command == ""
    assert cut(seen("cascade")).command == ""


def test_a_shared_transaction_is_carved_at_the_call_that_writes_for_the_other():
    writes = ["shop.Order shop/services.py:9 in shop.services.close"]
    writes.append("stock.Item stock/holds.py:31 in stock.holds.Holds.take")
    command = "manage.py carve stock.holds.Holds.take"
    assert cut(seen("transaction", writes=writes)).command == command
    before_functions_were_noted = ["stock.Item stock/holds.py:31"]
    assert cut(seen("transaction", writes=before_functions_were_noted)).command == ""
    by_itself = ["stock.Item shop/services.py:12 in shop.services.close"]
    assert cut(seen("transaction", writes=by_itself)).command == ""
    assert cut(seen("transaction", writes="odd")).command == ""


def test_a_receiver_of_every_model_subscribes_to_several():
    found = cut(coupling("a", EVERY, kind="receiver", form="no sender"))
    assert "the apps whose rows it needs" in found.text


def test_what_is_not_sure_or_only_in_tests_says_so():
    walk = {"kind": "query", "form": "walk"}
    assert cut(coupling("a", "b", **walk)).sure
    unsure = cut(coupling("a", "b", **walk, sure=False))
    assert not unsure.sure
    assert "names alone" in unsure.doubts[0]
    in_tests = cut(coupling("a", "b", **walk, file="a/tests/test_it.py"))
    assert in_tests.doubts == ["only tests need it"]
    calls = {"file": "a/tests/test_it.py", "details": {"calls": ["b.services.tell"]}}
    assert cut(coupling("a", "b", target_symbol="b.services", **calls)).command == ""


def test_a_shared_transaction_is_among_the_dearest_and_a_type_is_next_to_nothing():
    dearest = sorted(RULES.values(), key=lambda way: way.points)
    assert RULES["transaction", ""] in dearest[-3:]
    assert RULES["import", "type checking"] in dearest[:6]


def test_the_commands_that_cuts_name_exist():
    named = {each.split()[1] for way in RULES.values() for each in parted(way.command)}
    assert named <= {*find_commands(str(ROOT / "carveout/management"))}
    assert {"carve", "unlink"} <= named


def test_the_table_of_cuts_in_the_docs_is_that_of_the_code():
    page = (ROOT / "docs/reference/cuts.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (.*) \| (.*) \| (.*) \| (.*) \|$", page, re.MULTILINE)
    found = {(kind, form.strip("`")): cells for kind, form, *cells in rows}
    assert found == {
        (kind, form or "any other"): [way.to, shown(way.points), way.reason]
        for (kind, form), way in RULES.items()
    }
    rules = re.findall(r"^\| (`[A-Z_, `]+`) \| (\d+) \|", page, re.MULTILINE)
    told = {name.strip("`"): int(points) for cell, points in rules for name in cell.split(", ")}
    assert told == {rule: each.points for rule, each in BY_RULE.items()}


@pytest.mark.parametrize(
    ("function", "command"),
    [
        ("orders.services.place", "manage.py carve orders.services.place"),
        ("reviews.services.mark", ""),
    ],
)
def test_a_transaction_names_no_function_of_a_third_app(function, command):
    """Who writes the rows is a function of the app that has them, or there is nothing to carve."""
    file = f"{function.rpartition('.')[0].replace('.', '/')}.py:3"
    details = {"writes": [f"orders.Order {file} in {function}"]}
    told = {"kind": "transaction", "form": "atomic", "target_symbol": "orders.Order"}
    assert cut(coupling("mail", "orders", **told, details=details)).command == command
