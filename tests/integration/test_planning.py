"""The plan of the reference project, and of the same shop before it was carved."""

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.core.management import CommandError, call_command

from carveout.carving.plan.cut import Cut
from carveout.carving.plan.cut_line import CutLine
from carveout.carving.plan.plan import Plan
from carveout.carving.plan.text import as_text
from tests.copies import ROOT
from tests.forks import warm
from tests.integration.test_tangled import TANGLED, Row, rows
from tests.surveys import coupling

SHOWN = r"^```console\n\$ [^\n]* config\.settings([^\n]*)\n(.*?)^```"


def planned(*arguments: str) -> Plan:
    """The plan of the shop before carving, which does not have us in INSTALLED_APPS."""
    ran = warm().run(TANGLED, "config.settings", "plan", "--format", "json", *arguments)
    assert ran.code == 0, ran.err
    return msgspec.json.decode(ran.out, type=Plan)


@pytest.fixture(scope="module")
def tangled() -> Plan:
    return planned()


def lines(found: Plan) -> list[CutLine]:
    return [each for pairing in found.pairings for each in pairing.lines]


def cuts(found: Plan) -> dict[tuple[str, str, str], Cut]:
    return {
        (each.coupling.kind, each.coupling.source_symbol, each.coupling.target_symbol): each.cut
        for each in lines(found)
    }


def test_between_the_contexts_of_the_reference_project_nothing_is_left_to_cut():
    """What is left is the demonstration's, which belongs to no context."""
    out = StringIO()
    call_command("plan", stdout=out)
    assert re.match(
        r"Nothing is left to cut between the 4 contexts declared\. \d+ couplings to cut with 1 app"
        r" that is in no context: \d+ points\.\n",
        out.getvalue(),
    )
    assert re.search(r"^ +\d+  demo +\d+  ", out.getvalue(), re.MULTILINE)


def test_what_others_hardly_need_goes_first_and_what_has_the_accounts_last(tangled):
    assert [each.context for each in tangled.order] == [
        *("notifications", "catalogue", "reviews", "orders", "accounts")
    ]
    assert max(tangled.order, key=lambda each: each.alone).context == "orders"
    assert [each.points for each in tangled.order] != [each.alone for each in tangled.order]
    assert tangled.order[-1].points == 0


def test_every_coupling_between_the_apps_has_its_cut(tangled):
    found = cuts(tangled)
    assert found["relation", "orders.Order.customer", "accounts.Customer"].command == (
        "manage.py unlink orders.Order.customer"
    )
    assert found["receiver", "reviews.receivers.invite", "orders.Order"].to == "event"
    bestsellers = found["query", "catalogue.services.BESTSELLERS", "orders.OrderLine"]
    assert bestsellers.to == "lookup or own copy"
    assert all(each.cut.text and each.cut.points for each in lines(tangled))


def test_five_apps_that_all_need_each_other_are_not_grouped(tangled):
    assert tangled.suggestion.contexts == {}
    assert [each.contexts for each in tangled.cycles] == [
        ["accounts", "catalogue", "notifications", "orders", "reviews"]
    ]


def test_what_only_running_shows_makes_the_plan_dearer_and_surer(tangled, tmp_path):
    shown = [seen(row) for row in rows("What only running shows") if row.kind != "danger"]
    recording = tmp_path / "recorded.json"
    recording.write_bytes(msgspec.json.encode({"couplings": shown, "reached": []}))
    found = planned("--recorded", str(recording))
    assert found.points == tangled.points + (6 * 13 + 2) + (3 * 8 + 4)
    assert (tangled.surety.level, found.surety.level) == ("middle", "high")
    closing = cuts(found)["cascade", "accounts.services.close_account", "orders.Order"]
    assert closing.to == "event"


def seen(row: Row) -> Any:
    source, target = row.source.split(".")[0], row.target.split(".")[0]
    return coupling(
        source,
        target,
        kind=row.kind,
        form="atomic" if row.kind == "transaction" else "delete",
        source_symbol=row.source,
        target_symbol=row.target,
        file=row.path,
        line=row.line,
    )


def test_a_grouping_is_tried_and_its_contexts_are_ranked(tangled):
    grouping = "shop=catalogue,accounts; sales=orders; rest=notifications,reviews"
    found = planned("--contexts", grouping)
    assert [each.context for each in found.order] == ["sales", "rest", "shop"]
    assert found.points < tangled.points
    assert list(found.measures) == ["each app", "declared"]


def test_each_cut_of_a_context_names_file_line_and_command(tangled):
    text = as_text(tangled, ["notifications"])
    assert "notifications/models.py:25  relation, foreign key: 11\n" in text
    assert "    $ manage.py unlink notifications.Notification.order\n" in text
    assert "accounts → orders" not in text


def test_a_plan_is_written_to_a_file(tmp_path: Path):
    out, file = StringIO(), tmp_path / "plan.json"
    call_command("plan", format="json", output=file, stdout=out)
    assert out.getvalue().startswith("Nothing is left to cut between the 4 contexts declared. ")
    assert json.loads(file.read_text())["declared"]


def test_an_unknown_context_and_a_missing_recording_are_told_in_a_line(tmp_path: Path):
    with pytest.raises(CommandError, match="There is no context nowhere"):
        call_command("plan", context=["nowhere"])
    with pytest.raises(CommandError, match="is not a recording"):
        call_command("plan", recorded=tmp_path / "none.json")


def test_the_plan_in_the_docs_is_what_it_prints(tangled):
    page = (ROOT / "docs/howto/plan.md").read_text()
    blocks = re.findall(SHOWN, page, re.DOTALL | re.MULTILINE)
    assert [arguments for arguments, _ in blocks] == ["", " --context notifications"]
    for arguments, shown in blocks:
        printed = as_text(tangled, arguments.split()[1:]).splitlines()
        assert len(shown.splitlines()) > 5
        assert [each for each in shown.splitlines() if each not in [*printed, "…"]] == []
