"""The map in a real browser, of the reference project at work and of a system of forty contexts.

`SCREENSHOTS=docs/images` saves the pictures.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from carveout.runtime import ports
from tests import processes, synthetic
from tests.acceptance import test_screenshots as screens
from tests.acceptance.test_screenshots import CHROMIUM, DESK, PATIENCE_MS, playwright
from tests.customers import PASSWORD
from tests.eventually import eventually
from tests.processes import Process
from tests.servers import free_port

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

chromium, page = screens.chromium, screens.page
MAP = "/admin/carveout/map/"


def lit(page, what: str) -> set[str]:
    """The boxes, events or arrows that are sure to happen."""
    found = page.locator(f"#picture .{what}.lit-sure").all()
    return {each.get_attribute("data-show") for each in found}


def test_the_map_lights_up_what_happens_when_an_order_is_created(page, system):
    system.customer("maria").order({"CD-01": 1})
    eventually(lambda: system.count("orders", "carveout_loggedevent") >= 1)
    screens.sign_in_as_staff(page, system)
    page.set_viewport_size(DESK)
    page.goto(MAP)
    assert page.locator("#picture .box").count() == 4
    screens.picture(page, "map", DESK, whole=False)

    def follows() -> bool:
        page.goto(f"{MAP}?after=orders.OrderCreated")
        return "event:shop.StockReserved" in lit(page, "event")

    eventually(follows)
    assert lit(page, "event") == {"event:orders.OrderCreated", "event:shop.StockReserved"}
    assert {
        "events:orders:shop",
        "events:orders:notifications",
        "events:orders:reviews",
        "events:shop:orders",
    } == lit(page, "arrow")
    screens.sees(
        page, "shop.keep_stock handles orders.OrderCreated and publishes shop.StockReserved"
    )
    page.set_viewport_size(DESK)
    screens.picture(page, "map-after", DESK, whole=False)
    assert system.of("orders").manage("contextmap", "--check") == "The map is consistent.\n"

    page.goto(MAP)
    page.locator('[data-show="context:orders"]').focus()
    page.keyboard.press("Enter")
    panel = page.locator("#panel")
    playwright.expect(panel).to_contain_text("orders/subscribers.py:")
    heard = panel.locator('[data-seen="heard orders.follow_stock shop.StockReserved"]').first
    playwright.expect(heard).to_have_text("1", timeout=PATIENCE_MS)
    before = page.locator("#at").inner_text()
    system.customer("juan").order({"CD-02": 1})
    playwright.expect(heard).to_have_text("2", timeout=PATIENCE_MS)
    assert page.locator("#at").inner_text() != before
    screens.picture(page, "map-details", DESK, whole=False)

    box = page.locator('[data-show="context:orders"]')
    wrong = panel.get_by_role("heading", name="What is wrong")
    playwright.expect(wrong).to_be_hidden()
    paused = "Context orders: paused"
    act(system, 'pause("orders.follow_stock", "ada", "moving", "default")')
    playwright.expect(box).to_have_attribute("aria-label", paused, timeout=PATIENCE_MS)
    playwright.expect(page.locator('[data-badge="events:shop:orders"]').last).to_have_text("paused")
    playwright.expect(wrong).to_be_visible()
    playwright.expect(panel.locator("li").first).to_have_text(
        "orders.follow_stock: paused by ada: moving"
    )
    screens.picture(page, "map-trouble", DESK, whole=False)
    act(system, 'resume("orders.follow_stock", "default")')
    playwright.expect(box).to_have_attribute("aria-label", "Context orders", timeout=PATIENCE_MS)
    playwright.expect(wrong).to_be_hidden()

    page.keyboard.press("Escape")
    playwright.expect(panel).to_be_hidden()
    assert page.evaluate("document.activeElement.dataset.show") == "context:orders"
    assert not screens.is_too_wide(page)


def act(system, call: str) -> None:
    """Pauses or resumes, as the page of subscriptions does."""
    code = f"from carveout.subscriptions.cursors import pause, resume; {call}"
    system.of("orders").manage("shell", "-c", code)


@pytest.fixture
def many(tmp_path: Path, redis_url: str) -> Iterator[str]:
    """Where the admin of a system of 40 contexts, 200 events and 600 subscriptions answers."""
    folder = synthetic.write(tmp_path)
    env = {**os.environ, "REDIS_URL": redis_url, "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    env.pop("DJANGO_SETTINGS_MODULE", None)
    account = ("--username", "staff", "--email", "staff@example.com")
    processes.run("migrate", "-v0", folder=folder, env=env)
    processes.run("createsuperuser", "--noinput", *account, folder=folder, env=env)
    port = free_port()
    address = f"{ports.HOST}:{port}"
    arguments = ("runserver", "--noreload", address)
    web = Process("web", arguments, folder, env, folder / "web.log")
    web.start()
    eventually(lambda: ports.answers(port) or not web.running)
    yield f"http://{address}"
    web.end()


def test_forty_contexts_are_readable(many, chromium, capsys):
    context = chromium.new_context(base_url=many, viewport=DESK)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto("/admin/")
    page.get_by_label("Username").fill("staff")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/admin/")
    page.goto(MAP)
    assert page.locator("#picture .box").count() == 40
    rows = page.locator('section[data-own="Publishes"] tr[data-of*="events:"]')
    assert rows.count() == 600
    assert page.locator("#after option").count() == 201
    page.wait_for_function("performance.getEntriesByType('navigation')[0].loadEventEnd > 0")
    ready_ms = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    with capsys.disabled():
        sys.stdout.write(f"\nThe map of 40 contexts was ready after {ready_ms:.0f} ms.\n")
    screens.picture(page, "map-forty", DESK, whole=False)
    kinds = page.locator("#picture a").evaluate_all("all => all.map(each => each.classList[0])")
    assert kinds == sorted(kinds, key=["box", "arrow"].index)

    page.set_viewport_size(DESK)
    assert page.locator("details[open]").count() == 0
    page.get_by_label("Find").fill("LoyaltyClosed")
    playwright.expect(page.locator("#found")).to_have_text("1 event, 2 subscriptions")
    assert page.locator("#picture .box.itself").count() == 3
    assert rows.filter(visible=True).count() == 2
    page.keyboard.press("Enter")
    playwright.expect(page.locator("#panel-title")).to_have_text("Context ledger")
    page.keyboard.press("Escape")
    page.get_by_label("Find").fill("")
    assert page.locator("details[open]").count() == 0
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert rows.filter(visible=True).count() == 600
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0

    page.locator('[data-show="context:orders"]').focus()
    page.keyboard.press("Enter")
    assert page.locator("#picture .arrow.chosen").count() > 1
    screens.sees(page, "orders/subscribers.py:")
    screens.picture(page, "map-forty-details", DESK, whole=False)
    assert not screens.is_too_wide(page)
    context.close()
    assert errors == []
