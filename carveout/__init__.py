"""Carveout carves bounded contexts out of a Django monolith.

Names are resolved on first use, so that settings can import this package before
Django's apps are ready.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from carveout.conf.hosting import hosted_apps, hosted_urls, rq_queues
    from carveout.conf.settings import hosted_contexts
    from carveout.errors import (
        CarveoutError,
        InvalidEvent,
        LookupFailed,
        LookupNotFound,
        LookupRefused,
        LookupUnavailable,
        NotInTransaction,
        StreamUnavailable,
    )
    from carveout.eventlog.publish import publish, publish_many
    from carveout.eventlog.triggers.announcement import announces
    from carveout.events.event import Event, ReceivedEvent
    from carveout.events.upcasters import upcast
    from carveout.lookups.provider import LookupViewSet, lookup
    from carveout.lookups.reader import Lookup, look_up, look_up_many
    from carveout.lookups.row_list import RowList
    from carveout.seams.declared_rules import seam_rules
    from carveout.seams.seam import seam
    from carveout.subscriptions.copies.model import Copy
    from carveout.subscriptions.copies.row_admin import CopyAdmin
    from carveout.subscriptions.following import follows
    from carveout.subscriptions.subscription import subscribe
    from carveout.telemetry.notes import annotate

_HOMES = {
    "CarveoutError": "errors",
    "Copy": "subscriptions.copies.model",
    "CopyAdmin": "subscriptions.copies.row_admin",
    "InvalidEvent": "errors",
    "LookupFailed": "errors",
    "LookupNotFound": "errors",
    "LookupRefused": "errors",
    "LookupUnavailable": "errors",
    "NotInTransaction": "errors",
    "StreamUnavailable": "errors",
    "Event": "events.event",
    "Lookup": "lookups.reader",
    "LookupViewSet": "lookups.provider",
    "ReceivedEvent": "events.event",
    "RowList": "lookups.row_list",
    "annotate": "telemetry.notes",
    "announces": "eventlog.triggers.announcement",
    "follows": "subscriptions.following",
    "hosted_apps": "conf.hosting",
    "hosted_contexts": "conf.settings",
    "hosted_urls": "conf.hosting",
    "look_up": "lookups.reader",
    "look_up_many": "lookups.reader",
    "lookup": "lookups.provider",
    "publish": "eventlog.publish",
    "publish_many": "eventlog.publish",
    "rq_queues": "conf.hosting",
    "seam": "seams.seam",
    "seam_rules": "seams.declared_rules",
    "subscribe": "subscriptions.subscription",
    "upcast": "events.upcasters",
}

__all__ = [
    "CarveoutError",
    "Copy",
    "CopyAdmin",
    "Event",
    "InvalidEvent",
    "Lookup",
    "LookupFailed",
    "LookupNotFound",
    "LookupRefused",
    "LookupUnavailable",
    "LookupViewSet",
    "NotInTransaction",
    "ReceivedEvent",
    "RowList",
    "StreamUnavailable",
    "annotate",
    "announces",
    "follows",
    "hosted_apps",
    "hosted_contexts",
    "hosted_urls",
    "look_up",
    "look_up_many",
    "lookup",
    "publish",
    "publish_many",
    "rq_queues",
    "seam",
    "seam_rules",
    "subscribe",
    "upcast",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'carveout' has no attribute {name!r}")
    import_module("carveout.conf.requirements").insist_on_engine()
    return getattr(import_module(f"carveout.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
