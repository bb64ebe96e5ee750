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


_NEWEST = """
local newest, id, event = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1], '', ''
if newest then
    id = newest[1]
    for i = 1, #newest[2], 2 do
        if newest[2][i] == 'id' then event = newest[2][i + 1] end
    end
end
"""
# Refuses a stream of another log, and one that does not end with the event that the log has there.
# What begins an empty stream marks it anew: the log may have been restored since it was emptied.
# Then adds the entries, all or nothing, also when memory is full: Redis refuses the first ID if it
# is not above its last one. All entries come as one argument, which Redis takes apart twice as fast
# as many.
# Source: https://redis.io/docs/latest/commands/xadd/
_APPEND = (
    _NEWEST
    + """
local log = redis.call('GET', KEYS[2])
if log and string.sub(log, 1, #ARGV[1]) ~= ARGV[1] then
    return redis.error_reply('OTHERLOG ' .. log)
end
if id ~= ARGV[6] or event ~= ARGV[7] then return -1 end
if not log or id == '' then redis.call('SET', KEYS[2], ARGV[1] .. ARGV[3]) end
local entries = cmsgpack.unpack(ARGV[5])
for _, entry in ipairs(entries) do
    local reply = redis.pcall('XADD', KEYS[1], unpack(entry))
    if type(reply) == 'table' and reply.err then
        if string.find(reply.err, 'equal or smaller') then return -1 end
        return reply
    end
end
redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[2])
redis.call('PUBLISH', ARGV[4], '')
return #entries
"""
)
# In one step: what is added in between would look like a newest entry that was deleted.
_TAIL = (
    _NEWEST
    + """
local last = '0-0'
if redis.call('EXISTS', KEYS[1]) == 1 then
    local info = redis.call('XINFO', 'STREAM', KEYS[1])
    for i = 1, #info, 2 do
        if info[i] == 'last-generated-id' then last = info[i + 1] end
    end
end
return {id, event, last, redis.call('GET', KEYS[2]) or ''}
"""
)
# Throws a stream away, unless somebody has done so since its mark was read. The mark first: if
# memory is full, nothing is done.
_RESTART = """
if ARGV[1] ~= 'any' and (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2])
redis.call('DEL', KEYS[1])
return 1
"""
# Lets nobody add to a stream or read it, if it is still marked as that of this log.
_STOP = """
local log = redis.call('GET', KEYS[1])
if log and string.sub(log, 1, #ARGV[1]) == ARGV[1] then
    redis.call('SET', KEYS[1], ARGV[2] .. log)
end
"""
STOPPED = "stopped:"
"""Before the mark of a stream that its relay has stopped."""


class Tail(NamedTuple):
    """The newest entry of a stream, and what a log has there if the stream is its own."""

    position: int = 0
    event_id: UUID | None = None
    """None if there is no entry, or if it is none of ours."""
    last: int = 0
    """The last position that the stream ever had; 0 if Redis knows no such stream."""
    mark: bytes = b""

    @property
    def is_whole(self) -> bool:
        """Is the newest entry an event, and the last one that was added?"""
        return self.position == self.last and bool(self.event_id or not self.last)


def tail(place: Place) -> Tail:
    """Where a stream ends, in one round trip.

    Raises: StreamUnavailable: Redis did not answer.
    """
    with answering(key(place)):
        entry_id, event, last, mark = client().eval(_TAIL, 2, key(place), identity_key(place))
    position = entry.position_of(entry_id) if entry_id else 0
    ours = entry_id == f"{position}-0".encode()  # the relay gives no other ID
    event_id = _uuid(event) if ours else None
    return Tail(position, event_id, entry.position_of(last), mark)


def _uuid(text: bytes) -> UUID | None:
    try:
        return UUID(text.decode())
    except ValueError:
        return None


def append(
    place: Place, identity: str, rows: Sequence[Row], length: int, after: tuple[int, UUID | None]
) -> int:
    """Add entries at their positions.

    after: the position and event that the newest entry has to have; 0 and None: there is none.

    Returns: how many there were; -1, and none was added, if the newest entry is or was another.
    Raises: StreamUnavailable: Redis did not answer; call again.
            LogMismatch: the stream belongs to another log.
    """
    entries = [[f"{row.position}-0", *entry.fields_of(place, row)] for row in rows]
    keys = (key(place), identity_key(place))
    begun, channel = secrets.token_hex(4), stream_channel(place[0])
    packed = msgspec.msgpack.encode(entries)
    position, event_id = after
    newest = (f"{position}-0", str(event_id)) if event_id else ("", "")
    with answering(*keys):
        try:
            arguments = (f"{identity}:", length, begun, channel, packed, *newest)
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


def restart(place: Place, identity: str, seen: bytes | None = None) -> bool:
    """Throw a stream away, for the relay to fill it again from the log under a new mark.

    seen: its mark when it was looked at; if it has another one, nothing is done.

    Returns: was it thrown away?
    Raises: StreamUnavailable: Redis did not answer.
    """
    new, old = f"{identity}:{secrets.token_hex(4)}", "any" if seen is None else seen
    with answering(key(place)):
        return bool(client().eval(_RESTART, 2, key(place), identity_key(place), old, new))


def stop(place: Place, identity: str) -> None:
    """Let nobody add to the stream or handle what is in it. That of another log is left alone.

    Raises: StreamUnavailable: Redis did not answer.
    """
    with answering(key(place)):
        client().eval(_STOP, 1, identity_key(place), f"{identity}:", STOPPED)


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


def check_not_stopped(place: Place, mark: bytes) -> None:
    """Raises: LogMismatch: the relay has stopped the stream."""
    if mark.startswith(STOPPED.encode()):
        raise LogMismatch(
            f"The relay of {place[0]} has stopped {place[0]}.{place[1]}: the stream does not belong"
            f" to its log. Where {place[0]} is hosted, `manage.py doctor` says why and what to do:"
            f" mostly `manage.py epoch {place[0]}`."
        )


def check_mark(place: Place, mark: bytes, identity: str) -> None:
    """Raises: LogMismatch: another log filled the stream."""
    check_not_stopped(place, mark)
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
