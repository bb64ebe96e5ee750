"""What stands apart of the contexts: tests, libraries, and layers of pages.

Each project is written as it is needed, and asked by `survey` and `plan`.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.forks import Forks, Ran

SETTINGS = """
INSTALLED_APPS = {apps!r}
ROOT_URLCONF = "site_urls"
SECRET_KEY = "for these tests only, and long enough for a key"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [{{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}}]
"""
KEY = '{name} = models.ForeignKey("{to}", models.DO_NOTHING, related_name="+")'


def model(name: str, **keys: str) -> str:
    """A module of models with one model, and what its rows lead to."""
    fields = [KEY.format(name=field, to=to) for field, to in keys.items()] or ["pass"]
    lines = "\n    ".join(fields)
    return f"from django.db import models\n\n\nclass {name}(models.Model):\n    {lines}\n"


class Project:
    def __init__(self, folder: Path, warm: Forks, apps: list[str], files: dict[str, str]) -> None:
        self.folder, self.warm = folder, warm
        code = [*files, *(f"{app.replace('.', '/')}/models.py" for app in apps)]
        folders = {each for name in code for each in Path(name).parents if each.name}
        packages = {f"{each}/__init__.py": "" for each in folders}
        settings = {"site_settings.py": SETTINGS.format(apps=apps), "site_urls.py": URLS}
        for name, code in {**packages, **settings, **files}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(code)

    def run(self, command: str, *arguments: str) -> Ran:
        told = ("--root", str(self.folder), *arguments)
        return self.warm.run(self.folder, "site_settings", command, *told)

    def text(self, command: str, *arguments: str) -> str:
        ran = self.run(command, *arguments)
        assert ran.code == 0, ran
        return ran.out

    def json(self, command: str, *arguments: str) -> Any:
        return json.loads(self.text(command, "--format", "json", *arguments))


URLS = "urlpatterns = []\n"


def section(text: str, heading: str) -> list[str]:
    """The lines below a heading, up to the blank line after them."""
    return text.partition(f"\n{heading}\n")[2].partition("\n\n")[0].splitlines()


# -- Tests -------------------------------------------------------------------------------------

APPS = ["goods", "orders", "sales", "orders.tests.dummy", "qa_tests", "contests", "fixtures"]
NESTED = ["testing", "testing.labs", "vendors", "vendors.payouts", "qa_tests", "qa_tests.more"]
IN_TESTS = {
    "orders/tests/test_x.py": "from sales.models import Sale\n",
    "orders/factories.py": "from sales.models import Sale\n",
    "orders/conftest.py": "import sales.models\n",
    "orders/fixtures/rows.py": "import sales.models\n",
    "orders/testing/helpers.py": "import sales.models\n",
    "orders/sales_test.py": "import sales.models\n",
    "qa_tests/checks.py": "import goods.models\n",
    "goods/tests.py": "import orders.models\n\nOrder = orders.models.Line\n",
}
RUNS = {
    "contests/latest.py": "import goods.models\n",
    "fixtures/league.py": "import contests.latest\n",
    "sales/management/commands/test_mail.py": "import orders.models\n",
    "sales/attest.py": "import orders.models\n",
}
"""What only looks like tests: an app of contests, one of a league, a command."""
TESTED = {
    "goods/models.py": model("Product"),
    "orders/models.py": model("Line", product="goods.Product"),
    "sales/models.py": model("Sale", line="orders.Line"),
    "orders/tests/__init__.py": "",
    "orders/tests/dummy/models.py": model("Dummy", sale="sales.Sale"),
    "qa_tests/models.py": model("Check", line="orders.Line"),
    **IN_TESTS,
    **RUNS,
}


@pytest.fixture(scope="module")
def tested(warm: Forks, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("tested"), warm, APPS, TESTED)


def test_each_coupling_says_whether_only_tests_need_it(tested):
    found = tested.json("survey")
    in_tests = {each["file"]: each["in_tests"] for each in found["couplings"]}
    models = {"orders/models.py": False, "sales/models.py": False}
    models |= {"orders/tests/dummy/models.py": True, "qa_tests/models.py": True}
    assert in_tests == models | dict.fromkeys(IN_TESTS, True) | dict.fromkeys(RUNS, False)
    assert found["tests"] == ["dummy", "qa_tests"]
    assert {*found["contexts"]} == {*APPS, "(project)"} - {"orders.tests.dummy", "qa_tests"}


def test_pairs_count_what_runs_and_tests_stand_beside(tested):
    text = tested.text("survey")
    assert text.startswith(
        "6 couplings between contexts, in 4 pairs; 7 more in tests; 5 apps, 31 modules."
    )
    assert [each.split(maxsplit=1) for each in section(text, "Between contexts")] == [
        ["3", "sales → orders       2 import, 1 relation"],
        ["1", "contests → goods     1 import"],
        ["1", "fixtures → contests  1 import"],
        ["1", "orders → goods       1 relation"],
    ]
    assert [each.split() for each in section(text, "In tests only")] == [
        ["0", "orders", "→", "sales", "6", "in", "tests"],
        ["0", "goods", "→", "orders", "1", "in", "tests"],
    ]
    assert "\nTest apps: dummy, qa_tests\n" in text
    assert "dummy → sales" in text.partition("Listed separately: ")[2]


def test_the_page_counts_what_runs_and_has_a_number_for_tests(tested):
    html = tested.text("survey", "--format", "html")
    assert 'title="orders → sales: ' not in html, "a number that only tests make"
    (told,) = re.findall(r'id="b-orders-to-sales".*\n<summary>(.*)</summary>', html)
    assert '<span class="count">0</span> <span class="kinds">6 in tests</span>' in told
    assert "Test apps, listed separately: dummy, qa_tests." in html
    assert 'name="tests">' in html, "what only tests need is chosen, not given"
    assert 'data-name="qa_tests"' not in html


def test_no_rank_circle_or_command_of_a_plan_is_of_tests(tested):
    found = tested.json("plan")
    assert found["cycles"] == []
    assert sorted(found["costs"]) == ["contests", "fixtures", "goods", "orders", "sales"]
    assert {each["context"] for each in found["order"]} == {*found["costs"]}
    lines = [line for each in found["pairings"] for line in each["lines"]]
    assert not [each for each in lines if each["coupling"]["in_tests"]]
    assert found["costs"]["orders"]["in_tests"] == 7
    assert found["points_in_tests"] > 0
    text = tested.text("plan")
    share = found["points_in_tests"] / (found["points_in_tests"] + found["points"])
    assert f", {share:.0%} of all. They count in no rank, cycle or group." in text
    assert "Apps of tests, which are not contexts: dummy, qa_tests." in text
    assert "Cycle" not in text
    assert "and 2 pairs that only tests couple: " in text


def test_what_only_tests_need_is_listed_with_the_context_and_has_no_command(tested):
    text = tested.text("plan", "--context", "orders")
    assert "orders/tests/test_x.py:1" in text
    assert "but: only tests need it" in text
    assert "  7 more in tests only: " in text


def test_the_ratchet_lists_nothing_of_tests(tested, tmp_path):
    baseline = tmp_path / "baseline.txt"
    tested.text("survey", "--write", "--baseline", str(baseline))
    entries = re.findall(r"^\w.* -> .*$", baseline.read_text(), re.MULTILINE)
    assert len(entries) == 6
    assert not [each for each in entries if re.search(r"_tests|\.tests|factories", each)]


def test_an_app_that_a_context_takes_is_no_app_of_tests(tested):
    found = tested.json("survey", "--contexts", "checks=qa_tests; goods=goods")
    assert found["tests"] == ["dummy"]
    assert found["contexts"]["qa_tests"] == "checks"
    text = tested.text("survey", "--contexts", "checks=qa_tests; goods=goods")
    assert "checks → goods" in "\n".join(section(text, "Between contexts"))


def test_an_app_may_be_called_testing_or_vendors_and_have_parts(warm, tmp_path):
    found = Project(tmp_path, warm, NESTED, {}).json("survey")
    assert (found["tests"], found["vendored"]) == (["qa_tests", "more"], [])
    assert {*found["contexts"]} == {"testing", "labs", "vendors", "payouts", "(project)"}


def test_a_folder_that_holds_every_app_makes_none_of_them_a_test(warm, tmp_path):
    files = {
        "test_site/one/models.py": "import test_site.two\n",
        "test_site/two/test_it.py": "import test_site.one",
    }
    project = Project(tmp_path, warm, ["test_site.one", "test_site.two"], files)
    found = project.json("survey")
    assert [(each["file"], each["in_tests"]) for each in found["couplings"]] == [
        ("test_site/one/models.py", False),
        ("test_site/two/test_it.py", True),
    ]


# -- Libraries ---------------------------------------------------------------------------------

USERS = ["goods", "orders", "sales", "mail", "stock"]
LIBRARIES = {
    **{f"{app}/models.py": model(app.title()) for app in USERS},
    "orders/models.py": f"import orders.transport\n{model('Orders')}",
    **{f"{app}/use.py": "from lib.tools import tidy\n\nTIDY = tidy(1)\n" for app in USERS},
    "lib/tools.py": "def tidy(value):\n    return value\n",
    "lib/debug.py": "def dump():\n    from goods.models import Goods\n    return Goods\n",
    "bazaar/vendor/ledger/models.py": model("Entry"),
    "bazaar/vendor/ledger/rest.py": "import goods.models\n",  # patched
    "copied/LICENSE": "BSD",
    "copied/forms.py": "def build():\n    return 1\n",
    "licensed/LICENSE": "Another than that of the rest",
    "licensed/views.py": "import goods.models\n",
    "mail/use_of_copied.py": "from copied import forms\n\nforms.build()\n",
    "stock/use_of_ledger.py": "import bazaar.vendor.ledger.models\n",
    "orders/transport.py": "import curl_lib as curl\nfrom json import dumps\n\ncurl, dumps\n",
    "orders/codes.py": "class Codes:\n    FUNCTION = 7\n\n\nFUNCTION = 7\n",
    "orders/crypt.py": """
import hmac

error_messages = {}
limit = None


def sign():
    return hmac.compare_digest
""",
    "curl_lib.py": "def request():\n    return 1\n",
    "sales/calls.py": """
from orders import crypt, transport
from orders.crypt import error_messages, hmac, limit
from orders.transport import dumps


def ship():
    transport.curl.request()
    transport.dumps(1)
    dumps(2)
    hmac.compare_digest("a", "b")
    crypt.hmac.compare_digest("a", "b")
    crypt.sign()
    error_messages.get("a")
    print(limit)
""",
    "sales/named.py": """
CODES = ["orders.codes.FUNCTION", "orders.codes.Codes.FUNCTION", "orders.transport.curl.request"]
DIGEST = "orders.crypt.hmac.compare_digest"
SIGN = "orders.crypt.sign"
""",
    "sales/tests/test_y.py": """
from unittest import mock


@mock.patch("orders.crypt.hmac.compare_digest")
def test_it(): ...
""",
}
LIBRARY_APPS = [*USERS, "lib", "bazaar.vendor.ledger", "copied", "licensed"]


@pytest.fixture(scope="module")
def libraries(warm: Forks, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("libraries"), warm, LIBRARY_APPS, LIBRARIES)


def test_a_library_with_a_lazy_way_back_is_a_kernel_but_for_that(libraries):
    found = libraries.json("survey")
    assert found["kernels"] == ["lib"]
    (back,) = found["but_for"]["lib"]
    assert (back["source_symbol"], back["target_symbol"]) == ("lib.debug.dump", "goods.models")
    text = libraries.text("survey")
    told = "import, function: lib.debug.dump → goods.models"
    assert f"\nKernel: lib (except for 1)\n  except for lib/debug.py:2  {told}\n" in text
    html = libraries.text("survey", "--format", "html")
    assert "Kernel, listed separately: lib (except for 1)." in html
    plan = libraries.text("plan")
    assert f"\n  lib: cut 1 coupling first\n    lib/debug.py:2: {told}\n" in plan
    assert "lib" not in libraries.json("plan")["costs"]


def test_the_ratchet_holds_a_kernels_ways_back_and_lets_its_use_pass(libraries, tmp_path):
    baseline = tmp_path / "baseline.txt"
    libraries.text("survey", "--write", "--baseline", str(baseline))
    assert "import: lib.debug.dump -> goods.models.Goods" in baseline.read_text()
    assert "-> lib.tools" not in baseline.read_text()


def test_vendored_packages_are_libraries_and_no_contexts(libraries):
    found = libraries.json("survey")
    assert found["vendored"] == ["ledger", "copied"], "licensed needs the project: a part of it"
    text = libraries.text("survey")
    assert "\nVendored (third-party code in this project): ledger, copied\n" in text
    assert "mail → copied" in text.partition("Listed separately: ")[2]
    plan = libraries.json("plan")
    assert {*plan["costs"]} == {*USERS, "licensed"}
    assert plan["vendored"] == ["ledger", "copied"]


def test_a_project_that_pip_put_into_a_folder_is_not_vendored_there(warm, tmp_path):
    records = {
        "bazaar-1.0.dist-info/RECORD": "goods/a.py,,\norders/a.py,,\nsite_settings.py,,\n",
        "ledger-2.0.dist-info/RECORD": "ledger/a.py,,\n",
    }
    found = Project(tmp_path, warm, ["goods", "orders", "ledger"], records).json("survey")
    assert {*found["contexts"]} == {"goods", "orders", "(project)"}
    assert found["vendored"] == ["ledger"]


def test_carve_names_only_functions_that_the_target_apps_own_modules_define(libraries):
    text = libraries.text("plan", "--context", "sales", "--context", "mail")
    assert {*re.findall(r"manage\.py carve (\S+)", text)} == {"orders.crypt.sign"}


def test_what_an_app_has_from_others_is_said_to_be_theirs(libraries):
    found = {each["target_symbol"]: each for each in libraries.json("survey")["couplings"]}
    patched = found["orders.crypt.hmac.compare_digest"]
    assert patched["details"] == {"of": "hmac.compare_digest"}
    couplings = libraries.json("survey")["couplings"]
    (tested,) = [each for each in couplings if each["file"] == "sales/tests/test_y.py"]
    assert (tested["in_tests"], tested["details"]) == (True, {"of": "hmac.compare_digest"})


# -- Layers ------------------------------------------------------------------------------------

LAYERED = {
    **{f"{app}/models.py": model(app.title()) for app in ("goods", "orders", "sales")},
    "sales/services.py": "import orders.models\n",
    "orders/services.py": "import sales.models\n",
    "api/models.py": "from api.rows import Seen\n\nSeen\n",
    "api/orders.py": "from orders.models import Orders\n\nOrders\n",
    "api/goods/views.py": "from goods.models import Goods\n\nGoods\n",
    "api/urls.py": "from api import orders\nimport api.goods.views\n",
    "api/rows.py": model("Seen"),
}
LAYER_APPS = ["goods", "orders", "sales", "api"]
TAKEN = "orders=orders,api.orders; goods=goods,api.goods"


@pytest.fixture(scope="module")
def layered(warm: Forks, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("layered"), warm, LAYER_APPS, LAYERED)


def test_an_app_that_holds_pages_of_the_others_is_told_as_a_layer(layered):
    (layer,) = layered.json("plan")["layers"]
    assert layer == {
        "app": "api",
        "needs": ["goods", "orders"],
        "needed_by": [],
        "modules": {"goods": ["api.goods"], "orders": ["api.orders"]},
    }
    text = layered.text("plan")
    assert "\nLayer: api has pages of 2 apps; needed by: none\n" in text
    assert '\n    "orders": {…, "modules": ["api.orders"]},\n' in text


def test_a_context_takes_modules_of_an_app(layered):
    found = layered.json("survey", "--contexts", TAKEN)
    assert found["contexts"] == {
        "goods": "goods",
        "orders": "orders",
        "sales": "sales",
        "api": "api",
        "api.orders": "orders",
        "api.goods": "goods",
        "(project)": "(project)",
    }
    text = layered.text("survey", "--contexts", TAKEN)
    assert " 4 apps, " in text.partition("\n")[0]
    pairs = [each.split()[1:4] for each in section(text, "With apps that are in no context")]
    assert ["api", "→", "orders"] in pairs, "what is left of the layer mounts them"
    assert ["orders", "→", "goods"] not in pairs
    costs = layered.json("plan", "--contexts", TAKEN)["costs"]
    assert costs["orders"]["needs"].keys() == {"sales"}
    assert "api.orders" in layered.text("survey", "--contexts", TAKEN, "--format", "html")


def test_settings_and_the_ratchet_know_modules_of_a_context(layered, tmp_path):
    contexts = {
        "orders": {"apps": ["orders"], "modules": ["api.orders"]},
        "goods": {"apps": ["goods"], "modules": ["api.goods"]},
        "rest": {"apps": ["api", "sales"]},
    }
    project = Project(tmp_path, layered.warm, LAYER_APPS, LAYERED)
    settings = tmp_path / "site_settings.py"
    settings.write_text(f"{settings.read_text()}\nCARVEOUT = {{'CONTEXTS': {contexts!r}}}\n")
    project.text("survey", "--write")
    baseline = (tmp_path / "carveout-baseline.txt").read_text()
    assert "[orders -> sales]" in baseline
    assert "[api -> api.orders]" in baseline
    assert "-> goods.models" not in baseline
    assert "No new coupling." in project.text("survey", "--check")
    (tmp_path / "api/orders.py").write_text("import goods.models\nimport orders.models\n")
    ran = project.run("survey", "--check")
    assert ran.code == 1
    assert "api/orders.py:1: orders needs goods, import: api.orders -> goods.models" in ran.out


@pytest.mark.parametrize("grouping", ["orders=orders,api.ordres", "orders=ordres"])
def test_what_a_grouping_names_and_is_not_there_is_refused(layered, grouping):
    ran = layered.run("survey", "--contexts", grouping)
    assert ran.code != 0
    assert "--contexts: there is no app or module " in ran.err


def test_modules_with_models_go_with_their_app(layered):
    ran = layered.run("survey", "--contexts", "orders=orders,api.rows")
    assert ran.code != 0
    text = "api.rows defines the model api.Seen, and the tables of an app stay together."
    assert text in ran.err
