"""The shop in a real browser: what a customer sees, live, and the pictures that the docs show.

`SCREENSHOTS=docs/images` saves the pictures; without it the pages are only looked at.
"""

import os
import re
import shutil
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from tests import processes
from tests.copies import ROOT
from tests.customers import PASSWORD
from tests.systems import System

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE, DESK = {"width": 1100, "height": 900}, {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
PICTURES = Path(os.environ["SCREENSHOTS"]) if "SCREENSHOTS" in os.environ else None
PATIENCE_MS = 20_000
STOP_POLLING = 286

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")


@pytest.fixture(scope="module")
def chromium() -> Iterator["playwright.Browser"]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: "playwright.Browser", system: System) -> Iterator["playwright.Page"]:
    """A new visitor at the running shop. What the pages print to the console fails the test."""
    system.start()
    context = chromium.new_context(base_url=system.of("shop").url, viewport=WIDE)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


def sign_up(page: "playwright.Page") -> None:
    page.goto("/sign-up/?next=/products/CD-01/")
    page.get_by_label("Name").fill("Maria Rossi")
    page.get_by_label("E-mail address").fill("maria@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Open account").click()
    page.wait_for_url("**/products/CD-01/")


def order(page: "playwright.Page", *skus: str) -> None:
    """Put products in the basket and check out, as a person does."""
    for sku in skus:
        page.goto(f"/products/{sku}/")
        page.get_by_role("button", name="Add to basket").click()
    page.goto("/orders/basket/")
    page.get_by_role("button", name="Go to checkout").click()
    page.get_by_role("button", name=re.compile("Order now")).click()
    page.wait_for_url(re.compile(r"/orders/(?!basket|checkout)[\w-]+/$"))


def sees(page: "playwright.Page", text: str) -> None:
    playwright.expect(page.get_by_text(re.compile(text)).first).to_be_visible(timeout=PATIENCE_MS)


def wait_until_told(page: "playwright.Page") -> None:
    """Stock, message and badge have appeared on the order page."""
    sees(page, "Stock reserved at")
    sees(page, r"by e-mail\s+sent at")
    sees(page, r"Verified customer of \d product")


def picture(
    page: "playwright.Page", name: str, wide: dict[str, int] = WIDE, *, whole: bool = True
) -> None:
    """Save the page as it is, wide and narrow, light and dark; whole, or what is seen at once."""
    if PICTURES is None:
        return
    sizes, schemes = (("", wide), ("-phone", PHONE)), (("", "light"), ("-dark", "dark"))
    for (size, viewport), (shade, scheme) in product(sizes, schemes):
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=scheme)
        path = ROOT / PICTURES / f"{name}{size}{shade}.png"
        page.screenshot(path=path, full_page=whole, animations="disabled")
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light")


def is_too_wide(page: "playwright.Page") -> bool:
    """Whether a person with a small telephone has to scroll sideways."""
    page.set_viewport_size(PHONE)
    width = page.evaluate("document.documentElement.scrollWidth")
    page.set_viewport_size(WIDE)
    return width > PHONE["width"]


def test_the_order_page_shows_live_what_happens(page, system):
    system.relay("shop").terminate()
    sign_up(page)
    order(page, "CD-01", "CD-05")
    sees(page, "Placed")
    assert page.get_by_text("Stock reserved at").count() == 0

    system.relay("shop").start()
    page.evaluate("window.isTheSamePage = true")
    wait_until_told(page)
    sees(page, "Reserved: your CDs are set aside for you")
    assert page.evaluate("window.isTheSamePage"), "it was loaded anew"
    playwright.expect(page.locator(".pulse:visible")).to_have_count(4)
    assert not is_too_wide(page)
    picture(page, "order")


def test_a_cancelled_order_loses_its_badge_live(page):
    sign_up(page)
    order(page, "CD-02")
    wait_until_told(page)
    with page.expect_response(lambda response: response.status == STOP_POLLING):
        page.get_by_role("button", name="Cancel this order").click()
    sees(page, "Cancelled")
    sees(page, "Stock released at")
    sees(page, "Not a verified customer by this order")
    playwright.expect(page.locator(".pulse").first).to_be_hidden()  # it can't change any more
    picture(page, "cancelled")


def test_the_product_page_works_without_reviews(page):
    for fail in (lambda route: route.abort(), lambda route: route.fulfill(status=503)):
        page.route("**/reviews/**", fail)
        page.goto("/products/CD-01/")
        sees(page, "Reviews can.t be shown right now")
    page.get_by_role("button", name="Add to basket").click()
    page.goto("/orders/basket/")
    assert page.get_by_role("button", name="Go to checkout").is_visible()


def test_a_review_of_a_buyer_carries_the_badge(page, system):
    sign_up(page)
    order(page, "CD-01")
    wait_until_told(page)
    page.goto("/products/CD-01/")
    page.get_by_label("Rating").select_option("5")
    page.get_by_label("What do you think?").fill("Clear sound, and it came quickly.")
    page.get_by_role("button", name="Send review").click()
    sees(page, "as soon as somebody has read it")

    sign_in_as_staff(page, system)
    page.goto("/admin/reviews/review/")
    page.locator("input.action-select").first.check()
    page.locator("select[name=action]").select_option(label="Approve")
    page.locator("button[name=index]").click()
    page.goto("/products/CD-01/")
    sees(page, "Clear sound")
    sees(page, "✓ verified customer")
    assert not is_too_wide(page)
    picture(page, "product")


def test_staff_see_orders_events_and_cursors(page, system):
    for number in range(3):
        customer = system.customer(f"customer-{number}")
        customer.order({f"CD-0{number + 1}": 1, "CD-10": number + 1})
    sign_in_as_staff(page, system)
    for path, heading, name in (
        ("orders/order/", "Select order", "admin"),
        ("carveout/loggedevent/", "Select event", "admin-events"),
        ("carveout/cursor/", "Select cursor", "admin-cursors"),
    ):
        page.goto(f"/admin/{path}")
        sees(page, heading)
        picture(page, name, DESK)


def sign_in_as_staff(page: "playwright.Page", system: System) -> None:
    deployment = system.of("shop")
    env = {"DJANGO_SUPERUSER_PASSWORD": PASSWORD, **deployment.env}
    account = ("--username", "staff", "--email", "staff@example.com")
    command = ("createsuperuser", "--noinput", *account)
    processes.run(*command, folder=deployment.folder, env=env)
    page.goto("/admin/")
    page.get_by_label("Username").fill("staff")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/admin/")
