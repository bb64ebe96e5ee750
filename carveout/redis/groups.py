"""Shows cursors to others: reports to the owner of a log, and consumer groups that mirror them."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import redis

from carveout.events import codec
from carveout.events.event import PartitionRef
from carveout.redis import inbound, keys
from carveout.redis.client import client, fast_client
from carveout.redis.refusals import answering, is_wrong_type

REPORT_EVERY_S = 10.0
"""How often a consumer reports its cursors again, in case Redis lost them."""


def report_cursors(ref: PartitionRef, positions: dict[str, int]) -> None:
    """Report cursors to the owner of the log, so that it keeps the events they need.

    Raises: StreamUnavailable: Redis did not answer.
    """
    with answering(keys.reports(ref)):
        client().hset(keys.reports(ref), mapping=positions)


def reported_cursors(ref: PartitionRef) -> dict[str, int]:
    """The cursors that consumers reported recently.

    Raises: StreamUnavailable: Redis did not answer.
    """
    with answering():
        return inbound.fields(client(), keys.reports(ref), inbound.whole)


def reports_kept_s(ref: PartitionRef) -> int:
    """For how many seconds Redis has certainly not lost a report. Counts from the first call.

    Raises: StreamUnavailable: Redis did not answer.
    """
    with answering():
        return int(client().eval(_KEPT, 1, keys.reports_since(ref)))


# The mark is as old as the data in Redis; any other value in its place counts as missing.
_KEPT = """
local now = tonumber(redis.call('TIME')[1])
local kept = redis.pcall('GET', KEYS[1])
local since = type(kept) == 'string' and tonumber(kept)
if since and since > 0 and since <= now then return math.floor(now - since) end
redis.call('SET', KEYS[1], now)
return 0
"""


def forget_subscription(ref: PartitionRef, subscription: str) -> None:
    """Delete a subscription's report and its mirrored group.

    Raises: StreamUnavailable: Redis did not answer.
    """
    with answering(keys.reports(ref)):
        client().hdel(keys.reports(ref), subscription)
    with answering(keys.stream(ref)), suppress(redis.ResponseError):  # no such stream
        client().xgroup_destroy(keys.stream(ref), subscription)


def mirror_group(ref: PartitionRef, group: str, position: int) -> None:
    """Show a cursor as a consumer group, for true lag in monitoring. For display only.

    Source: https://redis.io/docs/latest/commands/xgroup-setid/
    """
    with answering(keys.stream(ref)):
        try:
            info = client().xinfo_stream(keys.stream(ref))
            behind = max(codec.position_of(info["last-generated-id"]) - position, 0)
            entries_read = max(int(info.get("entries-added", 0)) - behind, 0)
            counted = {"entries_read": entries_read} if "entries-added" in info else {}
            try:
                client().xgroup_setid(keys.stream(ref), group, f"{position}-0", **counted)
            except redis.ResponseError:
                client().xgroup_create(keys.stream(ref), group, f"{position}-0", **counted)
        except redis.ResponseError:
            return  # no stream yet


class GroupPositions(NamedTuple):
    """Where a stream ends, and the positions of its groups, normally mirrored cursors."""

    last: int
    groups: dict[str, int]


def group_positions(refs: Iterable[PartitionRef]) -> dict[PartitionRef, GroupPositions]:
    """How far streams and their groups are; skips those missing in Redis. Never waits.

    Raises: StreamUnavailable: Redis did not answer.
    """
    found = {}
    with answering():
        for ref in refs:
            try:
                groups = fast_client().xinfo_groups(keys.stream(ref))
                info = fast_client().xinfo_stream(keys.stream(ref))
            except redis.ResponseError as error:
                if is_wrong_type(error):
                    inbound.ignore(
                        keys.stream(ref), "is not a stream; delete it with `redis-cli DEL`"
                    )
                elif "no such key" not in str(error):
                    raise
                continue
            at = dict(_groups(ref, groups))
            found[ref] = GroupPositions(codec.position_of(info["last-generated-id"]), at)
    return found


def _groups(ref: PartitionRef, groups: Iterable[dict[str, Any]]) -> Iterator[tuple[str, int]]:
    for each in groups:
        try:
            yield inbound.name(each["name"]), codec.position_of(each["last-delivered-id"])
        except ValueError:
            inbound.ignore(
                keys.stream(ref), "has groups that Carveout did not create", each["name"]
            )


def partitions_with(group: str, refs: Iterable[PartitionRef]) -> set[PartitionRef]:
    """The partitions whose streams have this group.

    Raises: StreamUnavailable: Redis did not answer.
    """
    return {ref for ref, each in group_positions(refs).items() if group in each.groups}
