"""Summarizes in a few words what was observed of one thing; empty without observations."""

from carveout.operations.contextmap.observed import Observed


def of_event(name: str, seen: Observed | None) -> str:
    logged = seen.events.get(name) if seen else None
    return f", {logged.count} logged" if logged else ""


def of_hearing(name: str, event_type: str, seen: Observed | None) -> str:
    """For one event type: a subscription may handle several."""
    each = seen.subscriptions.get(name) if seen else None
    if each is None:
        return " [not seen]" if seen and not seen.unread else ""
    handled, failed = each.types.get(event_type), each.failures.get(event_type)
    count = f"{handled.count if handled else 0} handled"
    return f" [{count}, {failed.count} failed]" if failed else f" [{count}]"


def of_subscription(name: str, seen: Observed | None) -> str:
    """For all its events together: cursors and deliveries are not counted per type."""
    each = seen.subscriptions.get(name) if seen else None
    if each is None:
        return ""
    parts = [] if each.lag is None else [f"{each.lag} behind"]
    for what in ("waiting", "queued", "dead"):
        if count := getattr(each, what):
            parts.append(f"{count} {what}")
    return f" [{', '.join(parts)}]" if parts else ""


def of_reader(context: str, lookup: str, seen: Observed | None) -> str:
    each = seen.lookups.get(f"{context} {lookup}") if seen else None
    if each is None:
        return ""
    failed = f", {each.failed} failed" if each.failed else ""
    return f" [{each.requests} requests, {each.mean_ms} ms each{failed}]"
