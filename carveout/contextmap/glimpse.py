"""What is seen of one thing on the map, in a few words; nothing if nobody looked."""

from carveout.contextmap.observed import Observed


def of_event(name: str, seen: Observed | None) -> str:
    logged = seen.events.get(name) if seen else None
    return f", {logged.count} logged" if logged else ""


def of_hearing(name: str, event_type: str, seen: Observed | None) -> str:
    """Of one event type: a subscription may hear several."""
    each = seen.subscriptions.get(name) if seen else None
    if each is None:
        return " [not seen]" if seen and not seen.unread else ""
    heard, failed = each.types.get(event_type), each.failures.get(event_type)
    told = f"{heard.count if heard else 0} heard"
    return f" [{told}, {failed.count} failed]" if failed else f" [{told}]"


def of_subscription(name: str, seen: Observed | None) -> str:
    """Of all that it hears together: cursors and deliveries know no types."""
    each = seen.subscriptions.get(name) if seen else None
    if each is None:
        return ""
    told = [] if each.lag is None else [f"{each.lag} behind"]
    for count, what in ((each.waiting, "waiting"), (each.dead, "dead")):
        if count:
            told.append(f"{count} {what}")
    return f" [{', '.join(told)}]" if told else ""


def of_reader(context: str, lookup: str, seen: Observed | None) -> str:
    each = seen.lookups.get(f"{context} {lookup}") if seen else None
    if each is None:
        return ""
    failed = f", {each.failed} failed" if each.failed else ""
    return f" [{each.requests} requests, {each.mean_ms} ms each{failed}]"
