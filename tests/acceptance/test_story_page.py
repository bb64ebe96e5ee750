"""The story of a real order, on the page that staff see: from the checkout to the e-mail.

`SCREENSHOTS=docs/images` saves the pictures; without it the page is only looked at.
"""

import pytest

from tests.acceptance.test_screenshots import (
    CHROMIUM,
    DESK,
    chromium,
    is_too_wide,
    order,
    page,
    picture,
    playwright,
    sees,
    sign_in_as_staff,
    sign_up,
)

__all__ = ["chromium", "page"]  # fixtures

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")


LOW = {"width": 1440, "height": 500}
PATIENCE_MS = 45_000
"""The next attempt may be half a minute away."""


def node(page: "playwright.Page", title: str, state: str) -> "playwright.Locator":
    """A line of the story that says this, in this state."""
    line = page.locator(".story-line", has_text=title)
    return line.filter(has=page.locator(".story-state", has_text=state)).first


def is_told(page: "playwright.Page", title: str, state: str) -> None:
    playwright.expect(node(page, title, state)).to_be_visible(timeout=PATIENCE_MS)


def test_an_order_leads_to_its_whole_story(page, system, smtp):
    smtp.behaviour = "refuse"
    sign_up(page)
    order(page, "CD-01", "CD-05")
    number = page.url.rstrip("/").rsplit("/", 1)[1]
    sees(page, "Stock reserved at")
    sees(page, r"Verified customer of \d product")
    sign_in_as_staff(page, system)

    page.goto("/admin/orders/order/")
    page.get_by_role("link", name="what happened").click()
    page.wait_for_url(f"**/admin/carveout/story/?q={number}")
    is_told(page, "notifications.tell_by_email", "waiting")
    is_told(page, "attempts 1 to ", "failed")  # the second ended alike
    sees(page, "this page refreshes")
    page.locator("details.story-error > summary").first.click()
    page.locator("details.story-alike > summary").click()
    is_told(page, "attempt 2", "failed")
    picture(page, "story-failing", DESK)
    assert not is_too_wide(page)
    page.set_viewport_size(LOW)
    page.evaluate("scrollTo(0, 150); reloaded = false")

    smtp.behaviour = "accept"  # and the page comes to know it by itself
    is_told(page, "notifications.tell_by_email", "handled")
    is_told(page, "confirmation sent by e-mail", "noted")
    page.wait_for_load_state()
    for title, state in (
        (f"orders.OrderCreated {number}", "published"),
        ("orders.0 position", "shipped"),
        ("shop.keep_stock", "handled"),
        (f"shop.StockReserved {number}", "published"),
        ("orders.follow_stock", "handled"),
        ("reviews.mark_verified", "handled"),
        ("orders.order", "looked up"),
        ("notifications.tell_by_sms", "declined"),
    ):
        is_told(page, title, state)
    is_done = page.locator(".story-head .story-state", has_text="done")
    playwright.expect(is_done).to_be_visible(timeout=PATIENCE_MS)
    # It was never loaded anew: what was opened is still open, where it was scrolled to.
    for kind in ("error", "alike"):
        assert page.locator(f"details.story-{kind}").first.get_attribute("open") is not None
    assert page.evaluate("[scrollY, reloaded]") == [150, False]
    page.set_viewport_size(DESK)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(4_000)  # it looked every 3 s; the story is complete
    assert asked == []
    assert not is_too_wide(page)
    page.locator("details.story-error > summary").first.click()  # its paths are of this machine
    page.locator("details.story-alike > summary").click()
    picture(page, "story", DESK)
    told = system.of("orders").manage("story", number)
    assert "confirmation sent by e-mail: noted" in told
