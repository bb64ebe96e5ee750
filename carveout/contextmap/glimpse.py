"""What is seen of one thing on the map, in a few words; nothing if nobody looked."""

from carveout.contextmap.observed import Observed


def of_event(name: str, seen: Observed | None) -> str:
    logged = seen.events.get(name) if seen else None
    return f", {logged.count} logged" if logged else ""


def of_subscription(name: str, seen: Observed | None) -> str:
    each = seen.subscriptions.get(name) if seen else None
    if each is None:
        return " [not seen]" if seen and not seen.unread else ""
    told = [f"{each.heard} heard"]
    if each.lag is not None:
        told.append(f"{each.lag} behind")
    for count, what in ((each.failed, "failed"), (each.waiting, "waiting"), (each.dead, "dead")):
        if count:
            told.append(f"{count} {what}")
    return f" [{', '.join(told)}]"


def of_reader(context: str, lookup: str, seen: Observed | None) -> str:
    each = seen.lookups.get(f"{context} {lookup}") if seen else None
    if each is None:
        return ""
    failed = f", {each.failed} failed" if each.failed else ""
    return f" [{each.requests} requests, {each.mean_ms} ms each{failed}]"
