"""What the recorder finds in `recorded`, a project whose tests show couplings of every kind.

Its code sets a trap for each way in which the wrong frame could be held responsible.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.copies import ROOT

PROJECT = Path(__file__).parent / "recorded"


def run(*arguments: str, **env: str) -> str:
    """The output of a Python in the project, which does not have us in its INSTALLED_APPS."""
    ours = {"PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "mall.settings"}
    ran = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **ours, **env},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def record(*arguments: str) -> str:
    return run("-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments)


class Ran:
    """One run of the project's own tests with the recorder: its file and what it printed."""

    def __init__(self, file: Path, *arguments: str) -> None:
        self.file = file
        self.text = record(f"--carveout-record={file}", *arguments)
        self.found = json.loads(file.read_text())

    def pairs(self, kind: str) -> set[tuple[str, str]]:
        of_kind = [each for each in self.found["couplings"] if each["kind"] == kind]
        return {(each["source_symbol"], each["target_symbol"]) for each in of_kind}

    def of(self, source: str, target: str) -> Any:
        """The coupling with these symbols."""
        (one,) = [
            each
            for each in self.found["couplings"]
            if (each["source_symbol"], each["target_symbol"]) == (source, target)
        ]
        return one


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return Ran(tmp_path_factory.mktemp("ran") / "record.json", "--carveout-reach")


# -- What is found -----------------------------------------------------------------------------


def test_every_join_is_found_where_it_is_asked_for_and_nothing_else(ran):
    assert ran.pairs("join") == {
        # written only as a string, over three apps, and read by a test
        ("sales.services.of_country", "goods.Product"),
        ("sales.services.of_country", "suppliers.Supplier"),
        ("sales.services.streamed", "goods.Product"),
        ("sales.services.streamed", "suppliers.Supplier"),
        ("sales.services.related", "goods.Product"),
        ("sales.services.related", "suppliers.Supplier"),
        ("sales.services.ordered", "goods.Product"),
        ("sales.services.late", "goods.Product"),
        ("sales.services.names", "suppliers.Supplier"),
        ("sales.services.ordered_products", "goods.Product"),
        ("sales.services.by_hand", "goods.Product"),
        ("sales.services.beside", "goods.Product"),
        ("sales.services.united", "suppliers.Supplier"),
        # not the base class in `core` whose method makes the join
        ("sales.services.visible", "goods.Product"),
        ("sales.services.visible", "suppliers.Supplier"),
        ("sales.services.wrapping", "goods.Product"),
        # not the template that reads the rows, and not the middleware around
        ("sales.views.by_country", "goods.Product"),
        ("sales.views.by_country", "suppliers.Supplier"),
        # not the middleware, where the view is left already
        ("sales.views.fragment", "goods.Product"),
        # nothing but Django's own frames between the request and the statement
        ("sales.views.OrderList", "goods.Product"),
        # a template that walks there by itself
        ("sales/order.html", "suppliers.Supplier"),
        # a middleware that asks itself
        ("core.middleware.CountOrders.__call__", "goods.Product"),
        ("core.middleware.CountOrders.__call__", "sales.Order"),
    }


@pytest.mark.parametrize(
    ("source", "target", "form"),
    [
        ("sales.services.of_country", "suppliers.Supplier", "join"),
        ("sales.services.ordered_products", "goods.Product", "subquery"),
        ("sales.services.late", "goods.Product", "cte"),
        ("sales.services.names", "suppliers.Supplier", "union"),
    ],
)
def test_a_join_tells_its_form_and_the_test_that_showed_it(ran, source, target, form):
    found = ran.of(source, target)
    assert found["form"] == form
    assert found["details"]["test"].startswith("tests/check_lazy.py::test_")
    assert found["details"]["tests"] == 1


def test_a_cascade_over_three_apps_tells_its_chain(ran):
    targets = {"goods.Product", "sales.Order", "sales.Line", "sales.Order_carriers", "audit.Note"}
    closing = {("suppliers.services.close", target) for target in targets}
    assert ran.pairs("cascade") == closing | {("sales.services.tidy", "audit.Note")}
    found = ran.of("suppliers.services.close", "sales.Line")
    assert found["details"]["chain"] == [
        "suppliers.Supplier",
        "goods.Product.supplier (CASCADE)",
        "sales.Order.product (CASCADE)",
        "sales.Line.order (CASCADE)",
    ]
    line = (PROJECT / found["file"]).read_text().splitlines()[found["line"] - 1]
    assert line.strip() == "supplier.delete()"


def test_what_the_database_deletes_by_itself_is_told(ran):
    found = ran.of("suppliers.services.close", "audit.Note")
    assert found["form"] == "by the database"
    assert found["details"]["chain"][-1] == "audit.Note.line (DB_CASCADE)"


def test_every_shared_transaction_is_found_with_whoever_wants_it(ran):
    wanting = {
        "sales.services.rename",  # not the inherited save()
        "sales.services.place",
        "sales.services.ship",  # not the context manager
        "sales.services.lose",  # nor the one that is a class
        "sales.services.refund",  # not the decorator
        "sales.services.close",  # nor Django's
        "sales.services.Return.run",  # not the base class in another app
        "sales.views.buy",  # the view of a request that is a transaction
    }
    assert ran.pairs("transaction") == {(source, "audit.Entry") for source in wanting}
    place = " in sales.services.place"
    assert ran.of("sales.services.place", "audit.Entry")["details"]["writes"] == [
        f"sales.Order sales/services.py:{line_of('Order.objects.create')}{place}",
        f"audit.Entry sales/services.py:{line_of('Order.objects.create')}{place}",
        f"sales.Line sales/services.py:{line_of('Line.objects.create')}{place}",
    ]


def line_of(text: str) -> int:
    lines = (PROJECT / "sales/services.py").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_a_template_that_reads_the_rows_of_a_view_is_named_with_its_line(ran):
    found = ran.of("sales.views.by_country", "goods.Product")
    assert found["details"]["template"] == "sales/templates/sales/orders.html:2"
    assert "template" not in ran.of("sales/order.html", "suppliers.Supplier")["details"]


# -- What is told apart ------------------------------------------------------------------------


def test_set_up_tests_and_migrations_are_told_apart(ran):
    apart = {
        role: {each["source_symbol"] for each in couplings}
        for role, couplings in ran.found["apart"].items()
    }
    assert apart == {
        "set-up": {
            "tests.conftest.product",
            "tests.factories.ProductFactory.look",
            "tests.check_apart.Case.setUp",
            "tests.check_apart.Case.setUpTestData",
        },
        "tests": {
            "tests.check_apart.test_asks_itself",
            "tests.check_lazy.test_what_is_lazy_asks_once",
        },
        "migrations": {"goods.migrations.0002_look.look"},
    }


def test_modules_that_no_test_reached_are_named(ran):
    assert ran.found["unreached"] == ["goods.unreached"]


def test_no_values_are_kept(ran):
    text = ran.file.read_text()
    for value in ("DE", "refunded", "hidden", "4711"):
        assert not re.search(rf"\b{value}\b", text), value


# -- How it is told ----------------------------------------------------------------------------


def test_what_only_running_showed_comes_first(ran):
    headings = "\nOnly seen at run time, between apps that the survey couples|\nAlso in the survey"
    only, more, known = re.split(headings, ran.text)
    assert "suppliers.services.close → sales.Line" in only
    assert "sales.services.place → audit.Entry" in more
    assert "sales.services.of_country → suppliers.Supplier" in known


def test_the_overhead_is_printed_with_what_comes_after_the_tests(ran):
    told = r"The recorder took ([\d.]+) s of [\d.]+ s \([\d.]+%\), for .* took ([\d.]+) s more\."
    during, after = map(float, re.search(told, ran.text).groups())
    assert (during, after) == (round(ran.found["spent_s"], 2), round(ran.found["closing_s"], 2))
    assert during > 0
    assert after > 0


def test_nothing_goes_wrong_in_silence(ran):
    assert ran.found["notices"] == []


def test_workers_of_xdist_find_the_same_together(ran, tmp_path):
    many = Ran(tmp_path / "record.json", "--carveout-reach", "-n", "2")
    for name in ("tests", "unreached"):
        assert many.found[name] == ran.found[name]
    assert keyed(many.found["couplings"]) == keyed(ran.found["couplings"])
    assert {*many.found["apart"]} == {*ran.found["apart"]}


def keyed(couplings: list[dict[str, Any]]) -> dict[tuple[str, ...], tuple[str, int]]:
    return {
        (each["kind"], each["source_symbol"], each["target_symbol"]): (
            f"{each['file']}:{each['line']}",
            each["details"]["tests"],
        )
        for each in couplings
    }


def test_the_survey_shows_what_was_recorded_with_the_rest(ran):
    arguments = ("--format", "json", "--recorded", str(ran.file))
    found = json.loads(run("-m", "carveout", "survey", *arguments))
    kinds = {each["kind"] for each in found["couplings"]}
    assert {"relation", "join", "cascade", "transaction"} <= kinds


def test_tests_named_after_the_option_run_and_contexts_are_tried_without_writing_them():
    file = PROJECT / "tests/check_transactions.py"
    before = file.read_text()
    grouped = "--carveout-contexts=back=suppliers,goods;front=sales,audit"
    text = record(grouped, "--carveout-record", "tests/check_transactions.py")
    (PROJECT / "carveout-record.json").unlink()
    assert file.read_text() == before
    assert "4 passed" in text
    assert "suppliers.services.close → sales.Line" in text
    assert "suppliers.services.close → goods.Product" not in text


# -- By Django's own runner --------------------------------------------------------------------

RUNNER = "carveout.carving.recorder.django_runner.Runner"


class RanByDjango(Ran):
    """`manage.py test`; what it runs does what the tests for pytest do."""

    def __init__(self, file: Path, *arguments: str, runner: str) -> None:
        self.file = file
        told = (f"--carveout-record={file}", "--carveout-reach")
        self.text = run("manage.py", "test", *told, *arguments, TEST_RUNNER=runner)
        self.found = json.loads(file.read_text())


@pytest.fixture(
    scope="module",
    params=[
        (("--testrunner", RUNNER, "--parallel", "1"), "tests.runner.Careful"),
        (("--parallel", "2"), "tests.recording.Recording"),
    ],
    ids=["around the project's own", "in two processes, by TEST_RUNNER"],
)
def by_django(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> RanByDjango:
    arguments, runner = request.param
    return RanByDjango(tmp_path_factory.mktemp("ran") / "record.json", *arguments, runner=runner)


def test_djangos_runner_records_what_pytest_does(ran, by_django):
    for kind in ("join", "cascade", "transaction"):
        assert by_django.pairs(kind) == ran.pairs(kind)
    assert by_django.found["unreached"] == ran.found["unreached"]
    assert by_django.found["notices"] == []
    assert by_django.found["tests"] == 9
    assert by_django.found["closing_s"] > 0


def test_its_tests_are_named_as_it_takes_them_and_told_apart(by_django):
    told = by_django.of("suppliers.services.close", "sales.Line")["details"]
    assert told["test"] == "tests.test_by_django.Transactions.test_a_cascade"
    assert told["tests"] == 1
    apart = {
        role: {(each["source_symbol"], each["details"].get("test")) for each in couplings}
        for role, couplings in by_django.found["apart"].items()
    }
    ours = "tests.test_by_django"
    assert {each for each in apart["set-up"] if "SetUp" in each[0]} == {
        (f"{ours}.SetUp.setUpTestData", f"{ours}.SetUp.test_nothing")
    }
    assert {source for source, _ in apart["set-up"]} == {
        f"{ours}.SetUp.setUpTestData",
        f"{ours}.Ordered.setUp",
    }
    assert apart["tests"] == {(f"{ours}.Lazy.test_asks_itself", f"{ours}.Lazy.test_asks_itself")}
    (migration,) = by_django.found["apart"]["migrations"]
    assert migration["source_symbol"] == "goods.migrations.0002_look.look"
    assert migration["details"]["times"] == 1  # a forked process begins with nothing


@pytest.mark.parametrize("command", [("-m", "pytest"), ("manage.py", "test")], ids="/".join)
def test_a_folder_that_is_not_there_is_told_before_the_tests_run(command):
    with pytest.raises(AssertionError) as raised:
        run(*command, "--carveout-record=no/such.json", TEST_RUNNER=RUNNER)
    told = str(raised.value)
    assert "--carveout-record=no/such.json: there is no such folder." in told
    assert "Traceback" not in told
    assert "passed" not in told
    assert "Ran " not in told


def test_a_runner_that_is_not_as_djangos_is_told():
    text = run("manage.py", "test", "--testrunner", RUNNER, TEST_RUNNER="tests.runner.Foreign")
    assert text.startswith("Nothing was recorded: tests.runner.Foreign does not set up databases")


# -- In production -----------------------------------------------------------------------------

ANSWERS = "200 200 200 200 404"


def served(file: Path, *arguments: str, share: str = "1") -> tuple[str, Any]:
    """What a process says after some requests, and what is in the file."""
    said = run("serve.py", *arguments, RECORD=str(file), SHARE=share)
    return said.strip(), json.loads(file.read_text()) if file.exists() else None


def test_a_running_system_records_its_requests_into_one_file_for_all_processes(tmp_path):
    file = tmp_path / "record.json"
    served(file)
    said, found = served(file)
    assert said == f"{ANSWERS} True"
    assert found["requests"] == 10
    assert {(each["kind"], each["source_symbol"]) for each in found["couplings"]} == {
        ("join", "sales.views.by_country"),
        ("join", "sales/order.html"),
        ("join", "sales.views.OrderList"),
        ("transaction", "sales.views.buy"),
    }
    assert {each["details"]["times"] for each in found["couplings"]} == {2}


def test_a_request_that_is_not_sampled_shows_nothing(tmp_path):
    said, found = served(tmp_path / "record.json", share="0.0000001")
    assert said == f"{ANSWERS} True"
    assert found is None


def test_a_system_that_records_nothing_does_not_even_load_the_parser():
    assert run("serve.py").strip() == f"{ANSWERS} False"


def test_no_request_notices_that_the_recorder_fails(tmp_path):
    said, found = served(tmp_path / "record.json", "broken")
    assert said == f"{ANSWERS} True"
    assert found["couplings"] == []
    assert "ZeroDivisionError" in found["notices"][0]


def test_a_file_that_cannot_be_written_stops_no_process(tmp_path):
    said, _ = served(tmp_path / "no" / "folder" / "record.json")
    assert said == f"{ANSWERS} True"
