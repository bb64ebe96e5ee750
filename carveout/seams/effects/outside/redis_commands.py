"""Notes commands that change data in Redis or Valkey, such as those of a cache."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from carveout.seams.effects.outside.block import EffectBlock
from carveout.seams.effects.outside.harmless import is_harmless
from carveout.seams.effects.outside.wrapping import found, wrap

CONNECTING = """
    ASKING AUTH CLIENT CLUSTER COMMAND DISCARD ECHO EXEC HELLO MULTI PING QUIT READONLY READWRITE
    ROLE SELECT SENTINEL UNWATCH WATCH
"""
READING = """
    BITCOUNT BITPOS DBSIZE DUMP EXISTS EXPIRETIME GEODIST GEOHASH GEOPOS GEOSEARCH GET GETBIT
    GETRANGE HEXISTS HGET HGETALL HKEYS HLEN HMGET HRANDFIELD HSCAN HSTRLEN HVALS INFO KEYS LINDEX
    LLEN LPOS LRANGE MEMORY MGET OBJECT PEXPIRETIME PFCOUNT PTTL RANDOMKEY SCAN SCARD SDIFF SINTER
    SINTERCARD SISMEMBER SMEMBERS SMISMEMBER SRANDMEMBER SSCAN STRLEN SUNION TIME TTL TYPE XINFO
    XLEN XPENDING XRANGE XREAD XREVRANGE ZCARD ZCOUNT ZLEXCOUNT ZMSCORE ZRANDMEMBER ZRANGE
    ZRANGEBYLEX ZRANGEBYSCORE ZRANK ZREVRANGE ZREVRANGEBYLEX ZREVRANGEBYSCORE ZREVRANK ZSCAN ZSCORE
"""
HARMLESS = frozenset((CONNECTING + READING).split())


def install() -> None:
    for library in ("redis", "valkey"):
        if connection := found(f"{library}.connection", "AbstractConnection"):
            wrap(connection, "send_command", _send_command)
            wrap(connection, "pack_commands", _pack_commands)


def _send_command(
    block: EffectBlock, original: Callable[..., Any], connection: Any, *args: Any, **kwargs: Any
) -> Any:
    block.refuse_if(lambda: _changing([args]))
    return original(connection, *args, **kwargs)


def _pack_commands(
    block: EffectBlock, original: Callable[..., Any], connection: Any, commands: Iterable[Any]
) -> Any:
    commands = list(commands)
    block.refuse_if(lambda: _changing(commands))
    return original(connection, commands)


def _changing(commands: Sequence[Sequence[Any]]) -> str | None:
    names = {_name(command[0]) for command in commands if command}
    changing = sorted(names - HARMLESS)
    return f"sent {', '.join(changing)} to Redis" if changing and not is_harmless() else None


def _name(first: Any) -> str:
    text = first.decode(errors="replace") if isinstance(first, bytes) else str(first)
    return text.split(" ")[0].upper()
