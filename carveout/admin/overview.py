"""The first page: what is wrong, what waits, and what failed last."""

from collections.abc import Iterator
from operator import attrgetter
from typing import Any

from django.db.models import Max
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from carveout.admin import story
from carveout.admin.formatting import NOTHING, STATES, ago, number, relative
from carveout.conf import get_settings
from carveout.models import Attempt
from carveout.operations.doctor import check_settings, examine
from carveout.operations.doctor.finding import Finding, Level
from carveout.subscriptions import status

FAILURES = 10
ATTEMPTS_READ = 20_000
"""The newest ones of each database: among millions that succeeded, a failure is hard to find."""
FAILED = (Attempt.Outcome.FAILED, Attempt.Outcome.GIVEN_UP)
PAGES = ["Map", "Story", "Delivery", "SubscriptionRecord", "LoggedEvent"]
"""The models of the pages that are used most; others follow by name."""
INTERNALS = ["Cursor", "Partition"]
DELIVERIES = "admin:carveout_delivery_changelist"
SUBSCRIPTIONS = "admin:carveout_subscriptionrecord_changelist"


def of(request: HttpRequest) -> dict[str, Any] | None:
    """The overview of the contexts hosted here; None for accounts that may not see deliveries."""
    if not request.user.has_perm("carveout.view_delivery"):
        return None
    hosted = get_settings().hosted
    found = [*check_settings(), *examine(hosted)]
    bad = sorted(filter(_is_bad, found), key=lambda each: -each.level)
    return {
        "findings": [(each.level.name.lower(), each) for each in bad],
        "checked": len(found),
        "numbers": [*_numbers(status.statuses(hosted))],
        "failures": [*_last_failures()],
    }


def grouped(app: dict[str, Any]) -> list[dict[str, Any]]:
    """An app of Django's list of pages as two: in the order of use, and what is internal."""
    pages = sorted(app["models"], key=lambda page: (_place(page), page["name"]))
    daily = [page for page in pages if page["object_name"] not in INTERNALS]
    internal = [page for page in pages if page["object_name"] in INTERNALS]
    parts = [{**app, "models": daily}, {**app, "name": "Internals", "models": internal}]
    return [part for part in parts if part["models"]]


def _place(page: dict[str, Any]) -> int:
    name = page["object_name"]
    return PAGES.index(name) if name in PAGES else len(PAGES)


def _is_bad(finding: Finding) -> bool:
    return finding.level > Level.OK


def _numbers(statuses: list[status.SubscriptionStatus]) -> Iterator[tuple[str, str, str]]:
    """Name, value, and the page that has more."""
    oldest = min((each.oldest for each in statuses if each.oldest), default=None)
    lag = sum(each.lag or 0 for each in statuses)
    yield "events waiting", number(lag), reverse(SUBSCRIPTIONS)
    yield "oldest waiting", ago(oldest), reverse(SUBSCRIPTIONS)
    for state in STATES:
        count = sum(each.deliveries.get(state, 0) for each in statuses)
        query = urlencode({"state__exact": state})
        yield f"deliveries {state}", number(count), f"{reverse(DELIVERIES)}?{query}"


def _last_failures() -> Iterator[dict[str, str]]:
    """The last of the newest attempts in all databases that failed, the newest first."""
    rows: list[Attempt] = []
    for database in get_settings().hosted_databases:
        attempts = Attempt.objects.using(database)
        last = attempts.aggregate(last=Max("pk"))["last"] or 0
        newest = attempts.filter(pk__gt=last - ATTEMPTS_READ, outcome__in=FAILED)
        rows += newest.order_by("-pk")[:FAILURES]
    for row in sorted(rows, key=attrgetter("began_at"), reverse=True)[:FAILURES]:
        said = f"{row.error_type.removeprefix('builtins.')}: {row.error}".splitlines()
        yield {
            "when": relative(row.began_at),
            "subscription": row.subscription,
            "error": said[0] if row.error_type else NOTHING,
            "story": story.link(row),
        }
