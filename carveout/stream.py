"""Redis Streams: the only module that talks to them. Holds nothing that can't be rebuilt."""

import logging
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import redis

from carveout import entry, inbound
from carveout.connection import client, impatient_client
from carveout.errors import LogMismatch
from carveout.event import Place, ReceivedEvent
from carveout.refusal import answering, is_wrong_type
from carveout.row import Row
from carveout.wake import stream_channel

logger = logging.getLogger(__name__)

MARK_SHOWN_BYTES = 100
"""More than any mark of ours has."""
REPORT_EVERY_S = 10.0
"""How often a consumer tells again where its cursors stand, in case Redis forgot."""


def key(place: Place) -> str:
    """The stream's key. Braces keep all keys of a partition in one slot of a cluster."""
    return f"carveout:{{{place[0]}.{place[1]}}}:stream"


def identity_key(place: Place) -> str:
    return f"carveout:{{{place[0]}.{place[1]}}}:log"


# Refuses a stream of another log, then adds what Redis does not have: it refuses by itself an ID
# that is not above its last one. All or nothing, also when memory is full. All entries come as one
# argument, which Redis takes apart twice as fast as many.
# Source: https://redis.io/docs/latest/commands/xadd/
_APPEND = """
local log = redis.call('GET', KEYS[2])
if log and string.sub(log, 1, #ARGV[1]) ~= ARGV[1] then
    return redis.error_reply('OTHERLOG ' .. log)
end
if ARGV[6] ~= '' then
    local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
    if not log or not newest or newest[1] ~= ARGV[6] then return -1 end
end
if not log then redis.call('SET', KEYS[2], ARGV[1] .. ARGV[3]) end
local accepted = 0
for _, entry in ipairs(cmsgpack.unpack(ARGV[5])) do
    local reply = redis.pcall('XADD', KEYS[1], unpack(entry))
    if type(reply) == 'table' and reply.err then
        if not string.find(reply.err, 'equal or smaller') then return reply end
    else
        accepted = accepted + 1
    end
end
redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[2])
redis.call('PUBLISH', ARGV[4], '')
return accepted
"""


def append(
    place: Place, identity: str, rows: Sequence[Row], length: int, *, after: int | None = None
) -> int:
    """Add entries at their positions; what Redis has already is refused by it.

    after: only if the newest entry is the one at this position.

    Returns: how many entries were new; -1 if the newest entry is another.
    Raises: StreamUnavailable: Redis did not answer; call again.
            LogMismatch: the stream belongs to another log.
    """
    entries = [[f"{row.position}-0", *entry.fields_of(place[0], row)] for row in rows]
    keys = (key(place), identity_key(place))
    begun, channel = secrets.token_hex(4), stream_channel(place[0])
    packed = msgspec.msgpack.encode(entries)
    newest = "" if after is None else f"{after}-0"
    with answering(*keys):
        try:
            arguments = (f"{identity}:", length, begun, channel, packed, newest)
            return int(client().eval(_APPEND, 2, *keys, *arguments))
        except redis.ResponseError as error:
            if "OTHERLOG" in str(error):
                mark = str(error).split()[-1][:MARK_SHOWN_BYTES]
                raise mismatch(place, f"it is marked {mark}") from error
            raise


def last_position(place: Place) -> int:
    """The last position that the stream ever had; 0 if Redis knows no such stream.

    Raises: StreamUnavailable: Redis did not answer.
    """
    with answering(key(place)):
        try:
            info = client().xinfo_stream(key(place))
        except redis.ResponseError as error:
            if "no such key" in str(error):
                return 0
            raise
        return entry.position_of(info["last-generated-id"])


def newest(place: Place) -> tuple[int, UUID | None]:
    """The newest entry that is in the stream: its position, and its event if it is readable."""
    with answering(key(place)):
        entries = client().xrevrange(key(place), count=1)
    try:
        return entry.position_of(entries[0][0]), UUID(entries[0][1][b"id"].decode())
    except (IndexError, KeyError, ValueError):
        return 0, None


def forget(place: Place) -> None:
    """Throw the stream away; the relay fills it again from the log.

    Raises: StreamUnavailable: Redis did not answer.
    """
    with answering(key(place)):
        client().delete(key(place), identity_key(place))


def report(place: Place, positions: dict[str, int]) -> None:
    """Tell the owner of the log where cursors stand, so that it keeps what they need.

    Raises: StreamUnavailable: Redis did not answer.
    """
    with answering(_reports_key(place)):
        client().hset(_reports_key(place), mapping=positions)


def reports(place: Place) -> dict[str, int]:
    """Where cursors stand, as their consumers reported lately.

    Raises: StreamUnavailable: Redis did not answer.
    """
    with answering():
        return inbound.fields(client(), _reports_key(place), inbound.whole)


def reports_kept_s(place: Place) -> int:
    """For how many seconds Redis has certainly not forgotten a report. Counts from the first call.

    Raises: StreamUnavailable: Redis did not answer.
    """
    with answering():
        return int(client().eval(_KEPT, 1, _kept_key(place)))


# The mark is as old as what Redis remembers; something else in its place counts as none.
_KEPT = """
local now = tonumber(redis.call('TIME')[1])
local kept = redis.pcall('GET', KEYS[1])
local since = type(kept) == 'string' and tonumber(kept)
if since and since > 0 and since <= now then return math.floor(now - since) end
redis.call('SET', KEYS[1], now)
return 0
"""


def forget_subscription(place: Place, subscription: str) -> None:
    """Take a subscription's report and its mirrored group away.

    Raises: StreamUnavailable: Redis did not answer.
    """
    with answering(_reports_key(place)):
        client().hdel(_reports_key(place), subscription)
    with answering(key(place)), suppress(redis.ResponseError):  # no such stream
        client().xgroup_destroy(key(place), subscription)


def _reports_key(place: Place) -> str:
    return f"carveout:{{{place[0]}.{place[1]}}}:cursors"


def _kept_key(place: Place) -> str:
    return f"carveout:{{{place[0]}.{place[1]}}}:kept"


def mismatch(place: Place, found: str) -> LogMismatch:
    """The error that says what to do about a stream that is not its log's."""
    return LogMismatch(
        f"The stream of {place[0]}.{place[1]} does not belong to its log: {found}. Either another"
        " system uses this Redis database, such as staging beside production: give each its own"
        " REDIS_URL, and do not run `epoch`, which throws the other's streams away. Or the database"
        f" of {place[0]} was restored or created again while Redis was kept: if it is the right"
        f" one, run `manage.py epoch {place[0]}`. To tell them apart: a mark is"
        " `<log_id>:<epoch>:…` of a row in carveout_partition; if another system has that row, it"
        " is the first."
    )


def check_not_ahead(place: Place, last: int, head: int) -> None:
    """Raises: LogMismatch: the stream has positions that the log never gave."""
    if last > head:
        raise mismatch(place, f"it ends at position {last}, the log at {head}")


def check_mark(place: Place, mark: bytes, identity: str) -> None:
    """Raises: LogMismatch: another log filled the stream."""
    if not mark.startswith(f"{identity}:".encode()):
        raise mismatch(place, f"it is marked {mark[:MARK_SHOWN_BYTES].decode(errors='replace')}")


class Chunk(NamedTuple):
    """Some entries, and the mark of the stream that they come from."""

    events: list[ReceivedEvent]
    mark: bytes
    """Changes whenever the stream was begun anew: after Redis lost it, or for another log."""


def read(place: Place, after: int, limit: int) -> Chunk:
    """Entries after a position, up to the first that is missing or unreadable.

    Raises: StreamUnavailable: Redis did not answer.
    """
    with answering(key(place), identity_key(place)):
        # The mark last: entries of a stream that is gone by then come with the mark of the new one,
        # never the other way round.
        pipeline = client().pipeline(transaction=False)
        pipeline.xrange(key(place), f"{after + 1}-0", count=limit)
        pipeline.get(identity_key(place))
        entries, mark = pipeline.execute()
    events: list[ReceivedEvent] = []
    for entry_id, fields in entries:
        try:
            event = entry.event_of(place, entry_id, fields)
        except entry.UNREADABLE:
            logger.warning("%s: entry %r is unreadable", key(place), entry_id)
            break
        if event.position != after + len(events) + 1:
            break
        events.append(event)
    return Chunk(events, mark or b"")


def wait(after: dict[Place, int], block_ms: int) -> bool:
    """Return as soon as any of the streams has an entry after its position, or after `block_ms`.

    Not on a cluster: the streams of several partitions are in several slots.

    Returns: has one?
    Raises: StreamUnavailable: Redis did not answer.
    """
    with answering():
        after_ids = {key(place): f"{position}-0" for place, position in after.items()}
        return bool(client().xread(after_ids, count=1, block=block_ms))


def mirror(place: Place, group: str, position: int) -> None:
    """Show a cursor as a consumer group, so that monitoring sees true lag. Nothing rests on it.

    Source: https://redis.io/docs/latest/commands/xgroup-setid/
    """
    with answering(key(place)):
        try:
            info = client().xinfo_stream(key(place))
            behind = max(entry.position_of(info["last-generated-id"]) - position, 0)
            entries_read = max(int(info.get("entries-added", 0)) - behind, 0)
            counted = {"entries_read": entries_read} if "entries-added" in info else {}
            try:
                client().xgroup_setid(key(place), group, f"{position}-0", **counted)
            except redis.ResponseError:
                client().xgroup_create(key(place), group, f"{position}-0", **counted)
        except redis.ResponseError:
            return  # no stream yet


def kept(place: Place, positions: Sequence[int]) -> tuple[int, set[int]]:
    """The last position that was shipped, and which of these the stream still holds.

    Raises: StreamUnavailable: Redis did not answer.
    """
    with answering(key(place)):
        pipeline = client().pipeline(transaction=False)
        for position in positions:
            pipeline.xrange(key(place), f"{position}-0", f"{position}-0")
        held = {each for each, found in zip(positions, pipeline.execute(), strict=True) if found}
    return last_position(place), held


class Watched(NamedTuple):
    """Where a stream ends, and the positions of its groups: mirrored cursors, if nobody else's."""

    last: int
    groups: dict[str, int]


def watch(places: Iterable[Place]) -> dict[Place, Watched]:
    """How far streams and their groups are, without those that Redis does not know. Never waits.

    Raises: StreamUnavailable: Redis did not answer.
    """
    found = {}
    with answering():
        for place in places:
            try:
                groups = impatient_client().xinfo_groups(key(place))
                info = impatient_client().xinfo_stream(key(place))
            except redis.ResponseError as error:
                if is_wrong_type(error):
                    inbound.ignore(key(place), "is not a stream; delete it with `redis-cli DEL`")
                elif "no such key" not in str(error):
                    raise
                continue
            at = dict(_groups(place, groups))
            found[place] = Watched(entry.position_of(info["last-generated-id"]), at)
    return found


def _groups(place: Place, groups: Iterable[dict[str, Any]]) -> Iterator[tuple[str, int]]:
    for each in groups:
        try:
            yield inbound.name(each["name"]), entry.position_of(each["last-delivered-id"])
        except ValueError:
            inbound.ignore(key(place), "has groups that are not ours", each["name"])


def places_with(group: str, places: Iterable[Place]) -> set[Place]:
    """The partitions whose streams have this group.

    Raises: StreamUnavailable: Redis did not answer.
    """
    return {place for place, each in watch(places).items() if group in each.groups}
