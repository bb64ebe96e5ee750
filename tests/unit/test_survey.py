"""The survey's parts that need no project: what a file says, groupings, kernels, the page."""

import re
from typing import ClassVar

import msgspec
import pytest

from carveout.carving.recorder.file_roles import FileRoles
from carveout.carving.survey import grouping
from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.dangers.danger import Danger
from carveout.carving.survey.kernel import kernels
from carveout.carving.survey.parser import read
from carveout.carving.survey.project import Project
from carveout.carving.survey.report.html import as_html
from carveout.carving.survey.report.narrowed import Narrowing, narrowed
from carveout.carving.survey.report.text import as_text
from carveout.carving.survey.unread import Gap
from carveout.conf.test_files import is_app_of_tests, is_of_tests, is_set_up
from carveout.errors import SettingsInvalid
from tests.copies import ROOT
from tests.surveys import LARGE, coupling, grouped, surveyed


def test_lines_may_move_without_a_new_identity():
    before, after = coupling("a", "b"), coupling("a", "b", line=90, form="function")
    assert before.identity == after.identity
    assert before.identity != coupling("a", "b", target_symbol="b.other").identity


def test_a_page_of_thirty_apps_is_one_small_file_without_a_network():
    html = as_html(LARGE)
    assert len(html) < 1_500_000
    outward = r"(?:src|href)=\"(?!#)|https?://(?!www\.w3\.org/2000/svg)|@import"
    assert 'content="default-src &#x27;none&#x27;; ' in html
    assert not re.search(rf"{outward}|url\((?!#)|\son\w+=", html)


def test_every_number_of_the_page_leads_to_its_list():
    html = as_html(LARGE)
    links = re.findall(r'<a href="#(b-[^"]+)" title=', html)
    assert len(links) == len(LARGE.pairs)
    assert set(links) == set(re.findall(r'<details class="pair" id="([^"]+)"', html))
    assert sum(map(int, re.findall(r'title="[^"]+">(\d+)</a>', html))) == len(
        [each for each in LARGE.couplings if each.source != each.target]
    )


def test_the_page_shows_code_as_text():
    assert "b.&lt;models&gt;" in as_html(surveyed([coupling("a", "b")], ["a", "b"]))


def test_pairs_with_most_couplings_come_first():
    couplings = [coupling("a", "b"), coupling("b", "c", 1), coupling("b", "c", 2)]
    text = as_text(surveyed(couplings, ["a", "b", "c"]))
    assert text.index("b → c") < text.index("a → b")


def test_relative_imports_are_known_by_their_whole_name():
    facts = read(b"from ..orders import models\nfrom . import x\n", "shop.reviews.views", False)
    assert [each.module for each in facts.imports] == ["shop.orders", "shop.reviews"]
    facts = read(b"from .models import Order", "shop.orders", True)
    assert facts.names["Order"] == "shop.orders.models.Order"


def test_what_python_only_warns_of_is_read():
    facts = read(rb'from orders import models; PATTERN = "\d"', "billing.prices", False)
    assert [each.module for each in facts.imports] == ["orders"]


def test_a_variable_is_followed_to_where_its_rows_come_from():
    code = b"""
from orders.models import Order
def late(order: Order):
    orders = Order.objects.filter(late=True)
    orders = orders.order_by("pk")
    for each in orders:
        each.lines
"""
    facts = read(code, "orders.services", False)
    assert facts.resolve("each", "late") == "orders.models.Order.objects.filter()"
    assert facts.resolve("order", "late") == "orders.models.Order"
    assert facts.resolve("each", "other") == "each"


def test_a_grouping_is_read_from_a_line_and_from_a_file(tmp_path):
    expected = {"sales": ["orders", "billing"], "goods": ["catalogue"]}
    assert grouping.parse("sales=orders, billing; goods=catalogue") == expected
    path = tmp_path / "contexts.txt"
    path.write_text("# to try\nsales=orders,billing\n\ngoods = catalogue  # all\n")
    assert grouping.parse(str(path)) == expected
    path.write_text(path.read_text("utf-8"), "utf-8-sig")
    assert grouping.parse(str(path)) == expected


def test_mistakes_in_a_grouping_are_named(tmp_path):
    with pytest.raises(SettingsInvalid, match="orders is in the contexts sales and goods"):
        grouping.parse("sales=orders;goods=orders")
    with pytest.raises(SettingsInvalid, match="'goods' names no apps"):
        grouping.parse("sales=orders;goods")
    with pytest.raises(SettingsInvalid, match="no such file"):
        grouping.parse(str(tmp_path / "missing.txt"))


# -- Tests -------------------------------------------------------------------------------------

OF_TESTS = [
    "orders/tests/test_it.py",
    "orders/tests/data/rows.json",
    "orders/test/it.py",
    "orders/tests.py",
    "orders/test_views.py",
    "orders/views_test.py",
    "orders/conftest.py",
    "orders/factories.py",
    "orders/fixtures.py",
    "orders/testing.py",
    "orders/testutils.py",
    "orders/factories/lines.py",
    "orders/fixtures/lines.py",
    "orders/testing/clients.py",
    "orders/integration_tests/it.py",
    "orders/test_utils/it.py",
    "e2e_tests/it.py",
]
OF_CODE = [
    "orders/contest.py",
    "orders/latest/protests.py",
    "orders/attestations/models.py",
    "orders/testimonials.py",
    "orders/factory.py",
    "orders/fixtures/staff.json",
    "orders/migrations/0002_add_tests.py",
    "orders/management/commands/test_mail.py",
    "orders/templates/orders/tests/list.html",
    "orders/templates/orders/test_mail.html",
]


@pytest.mark.parametrize("file", OF_TESTS)
def test_a_file_of_tests_is_told_by_its_name(file):
    assert is_of_tests(file)
    assert is_of_tests(file, "orders" if file.startswith("orders/") else "")
    assert is_of_tests(f"shop/{file}", "shop")


@pytest.mark.parametrize("file", OF_CODE)
def test_what_is_only_named_like_tests_is_code(file):
    assert not is_of_tests(file)
    assert not is_of_tests(file, "orders")


@pytest.mark.parametrize("app", ["testing", "factories", "fixtures", "test", "ab_tests"])
def test_an_apps_own_name_makes_none_of_its_files_a_test(app):
    assert not is_of_tests(f"shop/{app}/models.py", f"shop/{app}")
    assert is_of_tests(f"shop/{app}/tests/test_it.py", f"shop/{app}")


@pytest.mark.parametrize("file", [*OF_TESTS, *OF_CODE])
def test_the_recorder_judges_as_the_survey_does(file):
    project = Project(ROOT, {})
    roles = (
        {"migrations"} if "/migrations/" in file else {"tests"} if file in OF_TESTS else {"code"}
    )
    assert {FileRoles(project).of(str(ROOT / file)).role} == roles
    assert project.is_of_tests(file) == (file in OF_TESTS)


def test_what_makes_rows_for_tests_is_set_up():
    made = ["orders/conftest.py", "orders/factories/lines.py", "orders/tests/fixtures.py"]
    assert [each for each in made if not is_set_up(each)] == []
    assert not is_set_up("orders/tests/test_factories.py")


def test_an_app_of_tests_is_told_by_its_folder():
    of_tests = ["tests", "qa_tests", "shop/rtd_tests", "orders/tests/dummy", "test_app", "testapp"]
    of_tests += ["shop/testing/dummy", "tests_extra"]
    assert [each for each in of_tests if not is_app_of_tests(each)] == []
    code = [
        "contests",
        "testing",
        "factories",
        "fixtures",
        "latest",
        "testimonials",
        "shop/test_results",
    ]
    assert [each for each in code if is_app_of_tests(each)] == []


# -- Kernels -----------------------------------------------------------------------------------


class Apps:
    """As much of a project as kernels are told by."""

    contexts: ClassVar[dict[str, str]] = {}

    def __init__(self, own: list[str]) -> None:
        self.own = own


USERS = list("abcdefgh")


def found_kernels(couplings: list[Coupling], **more: object) -> dict[str, int]:
    found = kernels(Apps([*USERS, "lib", "other"]), couplings, **more)
    return {label: len(back) for label, back in found.items()}


def used(times: int, by: str = "abcdefgh", target: str = "lib", **more: object) -> list[Coupling]:
    return [coupling(app, target, number, **more) for app in by for number in range(times)]


def test_a_library_is_used_by_half_and_needs_few():
    assert found_kernels(used(1, "abcde")) == {"lib": 0}
    assert found_kernels(used(1, "abcd")) == {}
    assert found_kernels([*used(1), coupling("lib", "a")]) == {"lib": 1}
    back = [coupling("lib", "a", number) for number in range(4)]
    assert found_kernels([*used(1), *back[:3]]) == {}, "too few use it for three ways back"
    assert found_kernels([*used(2), *back[:3]]) == {"lib": 3}
    assert found_kernels([*used(2), *back]) == {}
    assert found_kernels([*used(10), *back]) == {"lib": 4}, "a twentieth of its ways in"


def test_an_app_whose_rows_are_used_is_a_kernel_only_where_nearly_all_need_it_and_it_needs_none():
    assert found_kernels(used(1, "abcdef", kind="relation")) == {}
    assert found_kernels(used(1, kind="relation")) == {"lib": 0}
    assert found_kernels([*used(9, kind="relation"), coupling("lib", "a")]) == {}


def test_what_tests_types_and_migrations_need_keeps_no_kernel_from_being_one():
    back = [
        coupling("lib", "a", 1, file="lib/tests.py"),
        coupling("lib", "b", 2, form="type checking"),
        coupling("lib", "c", 3, file="lib/migrations/0001.py"),
        coupling("lib", "d", 4, sure=False),
    ]
    assert found_kernels([*used(1), *back]) == {"lib": 0}
    assert found_kernels(used(1, file="a/tests.py")) == {}


def test_kernels_may_need_each_other():
    both = [*used(1), *used(1, target="other"), *(coupling("lib", "other", n) for n in range(4))]
    assert found_kernels(both) == {"lib": 0, "other": 0}
    assert found_kernels(both, aside={"other"}) == {"lib": 0}


# -- A part of it ------------------------------------------------------------------------------

PARTS = surveyed(
    [
        coupling("orders", "goods", 1),
        coupling("orders", "goods", 2, kind="query"),
        coupling("letters", "orders", 3, kind="query"),
        coupling("letters", "goods", 4, kind="join"),
        coupling("letters", "auth", 5),
    ],
    ["orders", "goods", "letters"],
)
PARTS = msgspec.structs.replace(
    grouped(PARTS, trade=["orders", "goods"]),
    third_party=["auth"],
    unread=[Gap("model", "goods.Old", "", "TypeError")],
    dangers=[
        Danger(
            kind="k", app=app, symbol="s", file="f.py", line=1, target_symbol="t", text=f"of {app}"
        )
        for app in ("orders", "letters")
    ],
)


@pytest.mark.parametrize(
    ("part", "lines", "dangers"),
    [
        (Narrowing(), [2, 3, 4, 5, 6], ["orders", "letters"]),
        (Narrowing(kinds=frozenset({"query", "join"})), [3, 4, 5], []),
        (Narrowing(kinds=frozenset({"danger"})), [], ["orders", "letters"]),
        (Narrowing(contexts=frozenset({"trade"})), [2, 3, 4, 5], ["orders"]),
        (Narrowing(contexts=frozenset({"orders"})), [2, 3, 4], ["orders"]),
        (Narrowing(contexts=frozenset({"auth", "goods"})), [2, 3, 5, 6], []),
        (Narrowing(frozenset({"import"}), frozenset({"letters"})), [6], []),
    ],
)
def test_a_part_is_what_was_asked_for(part, lines, dangers):
    found = narrowed(PARTS, part)
    assert [each.line for each in found.couplings] == lines
    assert [each.app for each in found.dangers] == dangers
    assert found.unread == PARTS.unread


def test_a_context_that_is_not_there_is_refused_with_a_likely_one():
    with pytest.raises(SettingsInvalid, match=r"--context: .*'order', did you mean 'orders'"):
        narrowed(PARTS, Narrowing(contexts=frozenset({"order"})))


def test_pairs_only_is_without_couplings_and_with_what_could_not_be_read_at_the_top():
    _, *rest = as_text(PARTS, "Only kind query.", pairs_only=True).splitlines()
    assert rest[:2] == ["  not read: model: goods.Old: TypeError", "Only kind query."]
    assert [line for line in rest if ".py:" in line] == []
    assert any(line.split()[:4] == ["2", "letters", "→", "trade"] for line in rest), rest
    assert "Dangers" not in rest
