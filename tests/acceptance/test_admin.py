"""The admin in a real browser: an operator mends a failure, and who may not does not."""

import re
import sqlite3
from contextlib import closing

import pytest

from tests.acceptance.test_screenshots import (
    CHROMIUM,
    DESK,
    PATIENCE_MS,
    chromium,  # noqa: F401 (a fixture)
    is_too_wide,
    page,  # noqa: F401 (a fixture)
    picture,
    playwright,
    sees,
)
from tests.customers import PASSWORD
from tests.eventually import eventually

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

SHAPE = "together-sqlite"  # one system for all tests here

ADMIN = "/admin/carveout"
FAILED = "SELECT id, alike FROM carveout_delivery WHERE attempts > 0 AND alike <> ''"
ACCOUNTS = """
from django.contrib.auth.models import Permission, User
if not User.objects.filter(username="staff").exists():
    User.objects.create_superuser("staff", password="PASSWORD")
    otto = User.objects.create_user("otto", password="PASSWORD", is_staff=True)
    views = {"content_type__app_label": "carveout", "codename__startswith": "view"}
    otto.user_permissions.set(Permission.objects.filter(**views))
""".replace("PASSWORD", PASSWORD)
"""One who may do everything, and one who may look."""


@pytest.fixture(autouse=True)
def accounts(system) -> None:
    system.of("shop").manage("shell", "-c", ACCOUNTS)


COPIED = (
    "subscription, context, partition, position, key, event, state, attempts, due_at, parked_at"
)
DEAD = "UPDATE carveout_delivery SET state = 'dead' WHERE alike <> '' AND state = 'waiting'"
OTHER = """
INSERT INTO carveout_delivery (COPIED, event_id, error_type, error, traceback, alike)
SELECT COPIED, lower(hex(randomblob(16))), 'builtins.OSError', 'no paper', '', 'other'
FROM carveout_delivery WHERE alike <> ''
""".replace("COPIED", COPIED)
RENAMED = "UPDATE carveout_delivery SET alike = 'renamed' WHERE alike = 'other'"
REMOVED = "DELETE FROM carveout_delivery WHERE alike = 'renamed'"


def changed(system, sql: str) -> int:
    path = system.of("notifications").env["DATABASE_URL"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, timeout=20)) as connection, connection:
        return connection.execute(sql).rowcount


def give_up(system) -> None:
    """As after the last attempt; all of them take a day.

    Not in the middle of an attempt, which would let the delivery wait again when it fails.
    """
    eventually(lambda: changed(system, DEAD))


def follows(page, system, alike: str) -> None:  # noqa: F811
    """The page of groups shows groups that come and go; ticks and focus stay."""
    boxes = page.locator("[type=checkbox][name=group]")
    playwright.expect(boxes).to_have_count(0)
    assert changed(system, OTHER) == 1
    playwright.expect(boxes).to_have_count(2, timeout=PATIENCE_MS)
    chosen = page.locator(f"[value='default:{alike}']")
    chosen.check()
    changed(system, RENAMED)
    renamed = page.locator("[value='default:renamed']")
    playwright.expect(renamed).not_to_be_checked(timeout=PATIENCE_MS)
    playwright.expect(chosen).to_be_checked()
    playwright.expect(chosen).to_be_focused()
    changed(system, REMOVED)
    playwright.expect(boxes).to_have_count(0, timeout=PATIENCE_MS)


def look(page, path: str, name: str) -> None:  # noqa: F811
    """Go to a page; it fits a small telephone."""
    page.goto(f"{ADMIN}/{path}")
    assert not is_too_wide(page), path
    picture(page, f"operate-{name}", DESK)


def may_do_nothing(page, system, row: int, alike: str) -> None:  # noqa: F811
    """Somebody who may only look is offered no act, and a forged one is refused."""
    with page.context.browser.new_context(base_url=system.of("shop").url) as theirs:
        other = theirs.new_page()
        sign_in(other, "otto")
        for path in ("delivery/groups/", "delivery/", f"delivery/{row}/change/"):
            other.goto(f"{ADMIN}/{path}")
            assert other.locator("[name=action]").count() == 0, path
        (token,) = (each["value"] for each in theirs.cookies() if each["name"] == "csrftoken")
        forged = {"csrfmiddlewaretoken": token, "action": "retry", "reason": "because"}
        for path, choice in (
            ("delivery/groups/", {"group": f"default:{alike}"}),
            ("delivery/", {"_selected_action": str(row)}),
            ("subscriptionrecord/", {"action": "pause", "subscription": "reviews.mark_verified"}),
        ):
            answer = other.request.post(f"{ADMIN}/{path}", form={**forged, **choice})
            assert answer.status == 403, path


def sign_in(page, name: str) -> None:  # noqa: F811
    page.goto("/admin/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/admin/")


def test_an_operator_sees_a_failure_retries_it_and_it_is_handled(page, system, smtp):  # noqa: F811
    smtp.behaviour = "refuse"
    sign_in(page, "staff")
    page.goto(f"{ADMIN}/delivery/groups/")
    sees(page, "Nothing has failed")
    page.evaluate("window.isTheSamePage = true")
    otto = system.customer("otto")
    otto.order({"CD-02": 1})
    eventually(lambda: system.rows("notifications", FAILED))
    ((row, alike),) = system.rows("notifications", FAILED)
    sees(page, "NotAccepted")
    give_up(system)
    dead = page.locator("[data-live-text$='.dead']")
    playwright.expect(dead).to_have_text("1", timeout=PATIENCE_MS)
    assert dead.inner_text() == "1"
    follows(page, system, alike)
    assert page.evaluate("window.isTheSamePage"), "it was loaded anew"
    look(page, "delivery/groups/", "groups")
    look(page, f"delivery/{row}/change/", "delivery")
    look(page, f"delivery/{row}/edit/", "edit")
    look(page, "delivery/", "deliveries")
    may_do_nothing(page, system, row, alike)

    smtp.behaviour = "accept"
    page.goto(f"{ADMIN}/delivery/groups/")
    page.get_by_role("button", name="Retry…").click()
    sees(page, "Retry 1 delivery")
    picture(page, "operate-confirm", DESK)
    page.get_by_label("Reason").fill("The mail server is back.")
    page.get_by_role("button", name="Retry", exact=True).click()
    sees(page, "1 delivery will be retried")
    eventually(lambda: smtp.to(otto.email))
    eventually(lambda: not system.rows("notifications", FAILED))
    said = system.rows("notifications", "SELECT object_id, change_message FROM django_admin_log")
    assert (str(row), "Retried. Reason: The mail server is back.") in said


def test_an_operator_pauses_looks_resumes_and_replays(page, system):  # noqa: F811
    customer = system.customer("ada")
    first = customer.order({"CD-01": 1})
    sign_in(page, "staff")
    page.goto(f"{ADMIN}/subscriptionrecord/")
    page.get_by_label("Choose reviews.mark_verified").check()
    page.get_by_role("button", name="Pause…").click()
    page.get_by_label("Reason").fill("The reviews are being moved.")
    page.get_by_role("button", name="Pause", exact=True).click()
    sees(page, "by staff: The reviews are being moved.")

    lag = page.locator("[data-live-text='reviews.mark_verified.lag']")
    for sku in ("CD-03", "CD-04"):
        customer.order({sku: 2})
    playwright.expect(lag).to_have_text(re.compile("^[2-9]"), timeout=PATIENCE_MS)
    look(page, "subscriptionrecord/", "subscriptions")
    look(page, "", "overview")
    page.goto(f"{ADMIN}/subscriptionrecord/")
    names = page.locator("tr[data-name]")
    playwright.expect(names.first).to_have_attribute("data-name", "reviews.mark_verified")
    page.get_by_label("Show only").fill("KEEP")
    playwright.expect(names.filter(visible=True)).to_have_count(1)
    playwright.expect(page.get_by_text("Look at these first")).to_be_hidden()
    page.get_by_label("Show only").fill("")
    playwright.expect(page.get_by_text("Look at these first")).to_be_visible()
    look(page, "subscriptionrecord/reviews.mark_verified/replay/", "replay")
    page.get_by_label("From").fill("1")
    page.get_by_role("button", name="Preview").click()
    sees(page, r"In total: \d+ events? handled again")
    picture(page, "operate-replay-plan", DESK)

    page.goto(f"{ADMIN}/subscriptionrecord/")
    page.get_by_label("Choose reviews.mark_verified").check()
    page.get_by_role("button", name="Resume…").click()
    page.get_by_label("Reason").fill("They are moved.")
    page.get_by_role("button", name="Resume", exact=True).click()
    sees(page, "Resumed: reviews.mark_verified")
    playwright.expect(lag).to_have_text("0", timeout=PATIENCE_MS)

    look(page, "loggedevent/", "log")
    page.locator("#searchbar").fill(first)
    page.keyboard.press("Enter")
    sees(page, re.escape(first))
    page.locator("#result_list tr").last.get_by_role("link").first.click()
    sees(page, "all events of its story in this log")
    assert not is_too_wide(page)
    picture(page, "operate-event", DESK)
