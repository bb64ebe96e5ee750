"""The survey's page in a real browser, opened as a file: thirty apps, and the tangled shop grouped.

`SCREENSHOTS=docs/images` saves the pictures.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from carveout.carving.survey.report.html import as_html
from tests.acceptance import test_screenshots as screens
from tests.acceptance.test_screenshots import CHROMIUM, DESK, PHONE, chromium
from tests.copies import ROOT
from tests.surveys import APPS, LARGE

__all__ = ["chromium"]  # a fixture

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

GROUPING = "sales=orders,accounts; goods=catalogue,reviews"


@pytest.fixture
def page(chromium: "playwright.Browser", tmp_path: Path) -> Iterator["playwright.Page"]:
    """A page of a file, without a server. What it prints or asks of a network fails the test."""
    told: list[str] = []
    page = chromium.new_page(viewport=DESK)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("request", lambda request: told.append(request.url))
    yield page
    asked = (tmp_path / "survey.html").as_uri()
    page.close()
    assert [each.partition("#")[0] for each in told] == [asked] * len(told)


@pytest.fixture(scope="module")
def of_large() -> str:
    return as_html(LARGE)


@pytest.fixture
def large(page: "playwright.Page", tmp_path: Path, of_large: str) -> "playwright.Page":
    (tmp_path / "survey.html").write_text(of_large)
    page.goto((tmp_path / "survey.html").as_uri())
    return page


@pytest.fixture
def tangled(page: "playwright.Page", tmp_path: Path) -> "playwright.Page":
    """The shop before carving, as the command surveys it."""
    command = ("carveout", "survey", "--settings", "config.settings", "--contexts", GROUPING)
    written = ("--format", "html", "--output", str(tmp_path / "survey.html"))
    folder = ROOT / "examples" / "tangled"
    env = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"}
    subprocess.run([sys.executable, "-m", *command, *written], cwd=folder, env=env, check=True)
    page.goto((tmp_path / "survey.html").as_uri())
    return page


def rows(page: "playwright.Page") -> list[str]:
    """The names at the left of the matrix, from above; without those of unfolded contexts."""
    return page.locator("#cells tbody th[scope=row]").all_inner_texts()


def total(page: "playwright.Page") -> int:
    """How many couplings the matrix counts."""
    return int(page.locator("#cells .sums td").last.inner_text())


def seen(page: "playwright.Page", what: str) -> int:
    """By class: an arrow that is quite straight counts as invisible, as its box has no height."""
    return page.locator(f"#picture {what}:not(.off)").count()


def is_beside(link: "playwright.Locator", sheet: "playwright.Locator") -> bool:
    """The whole link is seen, at the left of the sheet or above it."""
    ours, its = link.bounding_box(), sheet.bounding_box()
    right, bottom = ours["x"] + ours["width"], ours["y"] + ours["height"]
    return min(ours["x"], ours["y"]) >= 0 and (right <= its["x"] or bottom <= its["y"])


def start_of(link: "playwright.Locator") -> str:
    return link.locator(".way").get_attribute("d").partition("C")[0]


def node(page: "playwright.Page", name: str) -> "playwright.Locator":
    return page.locator(f'#picture .node[data-name="{name}"]')


def test_thirty_apps_are_sorted_filtered_and_opened(large):
    between = [each for each in LARGE.couplings if each.source != each.target]
    assert total(large) == len(between)
    assert len(rows(large)) - 1 == len(APPS)
    large.select_option("[name=order]", "name")
    assert rows(large)[:-1] == APPS

    (source, target), couplings = next(iter(LARGE.pairs.items()))
    cell = large.locator(f'#cells a[title^="{source} → {target}:"]')
    cell.click()
    sheet = large.locator("#sheet")
    assert is_beside(cell, sheet)
    assert sheet.locator("tbody tr").count() == len(couplings)
    assert sheet.get_by_text(couplings[0].at, exact=True).is_visible()
    sheet.get_by_role("button", name="Where").click()
    shown = sheet.locator("tbody tr td:nth-child(5)").all_inner_texts()
    sheet.get_by_role("button", name="Where").click()
    assert sheet.locator("tbody tr td:nth-child(5)").all_inner_texts() == shown[::-1]
    sheet.get_by_role("button", name="Copy").click()
    playwright.expect(sheet.locator("#copy")).to_have_text("Copied")
    assert large.evaluate("navigator.clipboard.readText()").count(target) >= len(couplings)
    large.keyboard.press("Escape")
    assert not sheet.is_visible()
    assert large.evaluate("document.activeElement.title").startswith(f"{source} → {target}:")

    large.fill("[name=words]", couplings[-1].source_symbol)
    assert total(large) == sum(
        couplings[-1].source_symbol in each.source_symbol for each in between
    )
    assert 0 < large.locator("details.pair:visible").count() < len(LARGE.pairs)
    large.fill("[name=words]", "")
    large.uncheck("[name=kind][value=import]")
    assert total(large) == large.locator("details.pair:visible").count() == 0
    large.check("[name=kind][value=import]")


def test_arrows_of_thirty_apps_show_when_one_is_chosen(large):
    assert seen(large, "#edges a") <= 60
    node(large, APPS[3]).focus()
    large.keyboard.press("Enter")
    both = [pair for pair in LARGE.pairs if APPS[3] in pair]
    assert seen(large, "#edges :is(.needs, .needed)") == len(both)
    summary = large.locator("#summary").inner_text()
    assert summary.count("app_with") == len(both) + 2
    large.locator("#summary a").first.click()
    assert large.locator("#sheet-title").inner_text().startswith(APPS[3])
    large.locator("#close").click()
    large.locator("[name=least]").fill("1")
    assert seen(large, "#edges a") == len(LARGE.pairs)


def test_contexts_unfold_into_their_apps_in_matrix_and_graph(tangled):
    assert sorted(rows(tangled)[:-1]) == ["notifications", "▸ goods", "▸ sales"]
    assert tangled.locator("h1").inner_text() == "Survey of tangled"
    between = total(tangled)
    assert seen(tangled, ".node") == 3
    arrows = seen(tangled, "#edges a")

    node(tangled, "sales").click()
    assert sorted(rows(tangled)[:-1]) == ["accounts", "notifications", "orders", "▸ goods"]
    assert total(tangled) > between, "couplings within the context are shown too"
    assert seen(tangled, "#edges a") > arrows
    title = "orders needs goods: "
    arrow = tangled.locator("#edges a:not(.off)", has=tangled.locator(f"title:text('{title}')"))
    other = tangled.locator("#edges a", has=tangled.locator("title:text('goods needs orders: ')"))
    half = start_of(arrow)
    assert half == start_of(other), "each is half of an arrow with two heads"
    tangled.fill("[name=words]", "orders/models.py")
    assert start_of(arrow) != half, "the other half is not shown"
    tangled.fill("[name=words]", "")
    number = tangled.locator('#cells a[title^="orders → goods:"]').inner_text()
    arrow.locator(".grip").dispatch_event("click")
    assert tangled.locator("#sheet tbody tr").count() == int(number)
    assert tangled.locator("#sheet-title").inner_text().startswith("orders → goods: ")
    assert is_beside(arrow, tangled.locator("#sheet"))
    assert tangled.locator("#cells a[aria-current]").inner_text() == number
    row = tangled.locator("#sheet tbody tr", has_text="orders/models.py:").first
    file, line = row.locator("td:nth-child(5)").inner_text().split(":")
    code = (ROOT / "examples/tangled" / file).read_text().splitlines()[int(line) - 1].strip()
    assert row.locator("td:nth-child(6)").inner_text().startswith(code)
    tangled.uncheck("[name=kind][value=import]")
    kinds = tangled.locator("#sheet tbody tr td:first-child").all_inner_texts()
    assert 0 < len(kinds) < int(number)
    assert "import" not in kinds
    tangled.check("[name=kind][value=import]")
    tangled.keyboard.press("Escape")

    tangled.locator("#order [data-fold=none]").click()
    assert {*rows(tangled)[:-1]} == {"accounts", "catalogue", "notifications", "orders", "reviews"}
    assert tangled.locator("#cells td.within").count() == 4, "each needs its neighbour"
    node(tangled, "orders").click()
    tangled.mouse.move(0, 0)
    tangled.evaluate("document.getElementById('matrix').scrollIntoView()")
    screens.picture(tangled, "survey", DESK, whole=False)
    tangled.set_viewport_size(DESK)
    tangled.locator("#view [data-fold=all]").click()
    assert total(tangled) == between


def test_the_page_fits_a_phone_in_light_and_in_dark(large):
    large.set_viewport_size(PHONE)
    for scheme in ("light", "dark"):
        large.emulate_media(color_scheme=scheme)
        assert large.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        style = "getComputedStyle(document.body)"
        ink, paper = large.evaluate(f"[{style}.color, {style}.backgroundColor]")
        assert (sum(numbers(ink)) < sum(numbers(paper))) == (scheme == "light")
    cell = large.locator("#cells tbody tr:nth-child(20) td a").last
    cell.click()
    assert is_beside(cell, large.locator("#sheet"))


def numbers(colour: str) -> list[int]:
    return [int(each) for each in colour.strip("rgb()").split(",")]


def test_matrix_and_lists_are_read_without_scripts(chromium, tmp_path, of_large):
    file = tmp_path / "survey.html"
    file.write_text(of_large)
    page = chromium.new_page(java_script_enabled=False)
    page.goto(file.as_uri())
    (source, target), couplings = next(iter(LARGE.pairs.items()))
    page.locator(f'#cells a[title^="{source} → {target}:"]').click()
    page.locator("details:target summary").click()
    assert page.locator("details:target tbody tr:visible").count() == len(couplings)
    assert not page.locator("#drawn, #filter, #sheet").filter(visible=True).count()
    page.close()
