"""The expected and the found numbers of the demonstration."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

from django.conf import settings

from carveout.models import LoggedEvent
from demo.shopper import Shopper
from orders.cdnow import Purchase


@dataclass(frozen=True)
class Expected:
    """The expected numbers, counted from the file alone."""

    orders: int
    with_phone: int
    verified: int

    @classmethod
    def of(cls, imported: Sequence[Purchase], by_rest: Sequence[Purchase]) -> "Expected":
        """The numbers, including the customers who order by REST and are not in the file."""
        every = [*imported, *by_rest]
        with_phone = sum(1 for each in every if each.phone)
        return cls(len(every), with_phone, _pairs(imported) + _pairs(by_rest))

    def rows(self) -> dict[str, int]:
        return {
            "orders": self.orders,
            "orders with stock reserved": self.orders,
            "events (created, reserved)": 2 * self.orders,
            "e-mails noted as sent": self.orders,
            "e-mails at the mail sink": self.orders,
            "SMS noted as sent": self.with_phone,
            "SMS at the gateway": self.with_phone,
            "verified customers": self.verified,
        }


def _pairs(purchases: Sequence[Purchase]) -> int:
    return len({(purchase.customer, sku) for purchase in purchases for sku in purchase.skus()})


def found(admin: Shopper, mail_dir: Path) -> dict[str, int]:
    """The found numbers, read from the shop's REST, its log, the mail sink and the gateway."""
    return {
        "orders": admin.count("/api/orders/"),
        "orders with stock reserved": admin.count("/api/orders/?status=reserved"),
        "events (created, reserved)": LoggedEvent.objects.exclude(position=None).count(),
        "e-mails noted as sent": admin.count("/api/notifications/?channel=email&status=sent"),
        "e-mails at the mail sink": len(list(mail_dir.glob("*.eml"))),
        "SMS noted as sent": admin.count("/api/notifications/?channel=sms&status=sent"),
        "SMS at the gateway": len(list(settings.NOTIFICATIONS_SMS_DIR.glob("*.txt"))),
        "verified customers": admin.count("/api/verified-customers/"),
    }


def latencies_ms(admin: Shopper, emails: Iterable[str]) -> list[float]:
    """The time from each order's commit to the handler that verified its customer."""
    people = set(emails)
    placed = {
        order["number"]: datetime.fromisoformat(order["placed_at"])
        for order in admin.all("/api/orders/")
        if order["email"] in people
    }
    return sorted(_latency_ms(row, placed) for row in _verified(admin, placed))


def _verified(admin: Shopper, placed: dict[str, datetime]) -> list[dict[str, Any]]:
    return [row for row in admin.all("/api/verified-customers/") if row["order_number"] in placed]


def _latency_ms(row: dict[str, Any], placed: dict[str, datetime]) -> float:
    verified_at = datetime.fromisoformat(row["verified_at"])
    return (verified_at - placed[row["order_number"]]).total_seconds() * 1000


def p50_p99(values: Sequence[float]) -> tuple[float, float]:
    """The median and the 99th percentile."""
    cuts = quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[98]
