"""The survey's parts that need no project: what a file says, groupings, kernels, the page."""

import re

import pytest

from carveout.errors import SettingsInvalid
from carveout.survey import grouping
from carveout.survey.reading import read
from carveout.survey.report.page import as_html
from carveout.survey.report.table import as_text
from tests.surveys import LARGE, coupling, surveyed


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
