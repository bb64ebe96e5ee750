"""The survey's page in a real browser, opened as a file: thirty apps, two thousand couplings."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from carveout.survey.page import as_html
from tests.acceptance.test_screenshots import CHROMIUM, PHONE, WIDE, chromium
from tests.surveys import LARGE

__all__ = ["chromium"]  # a fixture

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")


@pytest.fixture
def page(chromium: "playwright.Browser", tmp_path: Path) -> Iterator["playwright.Page"]:
    """The page, opened without a server. What it prints or asks of a network fails the test."""
    file = tmp_path / "survey.html"
    file.write_text(as_html(LARGE))
    told: list[str] = []
    page = chromium.new_page(viewport=WIDE)
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("request", lambda request: told.append(request.url))
    page.goto(file.as_uri())
    yield page
    page.close()
    assert told == [file.as_uri()]


def test_a_number_opens_its_list_and_lists_can_be_filtered_and_sorted(page):
    (source, target), couplings = next(iter(LARGE.pairs.items()))
    page.locator(f'.matrix a[title^="{source} → {target}:"]').click()
    opened = page.locator("details[open]")
    assert opened.count() == 1
    assert opened.locator("tbody tr:visible").count() == len(couplings)

    page.fill("#filter input[name=words]", couplings[-1].source_symbol)
    assert page.locator("details.pair:visible").count() < len(LARGE.pairs)
    page.fill("#filter input[name=words]", "")
    page.uncheck("#filter input[value=import]")
    assert page.locator("details.pair:visible").count() == 0
    page.check("#filter input[value=import]")

    where = opened.get_by_role("button", name="Where")
    where.click()
    shown = opened.locator("tbody tr td:nth-child(5)").all_inner_texts()
    where.click()
    assert opened.locator("tbody tr td:nth-child(5)").all_inner_texts() == shown[::-1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone_in_light_and_in_dark(page, scheme):
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    colours = (
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    ink, paper = page.evaluate(colours)
    assert (sum(numbers(ink)) < sum(numbers(paper))) == (scheme == "light")


def numbers(colour: str) -> list[int]:
    return [int(each) for each in colour.strip("rgb()").split(",")]
