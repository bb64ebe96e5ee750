"""Carveout carves bounded contexts out of a Django monolith.

Names are resolved when they are first used, so that settings can import this package before
Django's apps are ready.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from carveout.annotation import annotate
    from carveout.conf import hosted_apps, hosted_contexts, rq_queues
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
    from carveout.event import Event, ReceivedEvent
    from carveout.hosting import hosted_urls
    from carveout.lookups import Lookup, LookupViewSet, look_up, look_up_many, lookup
    from carveout.publisher import publish, publish_many
    from carveout.subscription import subscribe
    from carveout.upcaster import upcast

_HOMES = {
    "CarveoutError": "errors",
    "InvalidEvent": "errors",
    "LookupFailed": "errors",
    "LookupNotFound": "errors",
    "LookupRefused": "errors",
    "LookupUnavailable": "errors",
    "NotInTransaction": "errors",
    "StreamUnavailable": "errors",
    "Event": "event",
    "Lookup": "lookups",
    "LookupViewSet": "lookups",
    "ReceivedEvent": "event",
    "annotate": "annotation",
    "hosted_apps": "conf",
    "hosted_contexts": "conf",
    "hosted_urls": "hosting",
    "look_up": "lookups",
    "look_up_many": "lookups",
    "lookup": "lookups",
    "publish": "publisher",
    "publish_many": "publisher",
    "rq_queues": "conf",
    "subscribe": "subscription",
    "upcast": "upcaster",
}

__all__ = [
    "CarveoutError",
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
    "StreamUnavailable",
    "annotate",
    "hosted_apps",
    "hosted_contexts",
    "hosted_urls",
    "look_up",
    "look_up_many",
    "lookup",
    "publish",
    "publish_many",
    "rq_queues",
    "subscribe",
    "upcast",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'carveout' has no attribute {name!r}")
    return getattr(import_module(f"carveout.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
