"""The net below all else: what leaves the process unrecorded is noted, or refused."""

import sys
from pathlib import Path
from typing import Any

from carveout.seams.effects.outside import audit_events, harmless, http_requests
from carveout.seams.effects.outside.block import EffectBlock, NotCaught, current

TEMPORARY = ("tempfile.mkstemp", "tempfile.mkdtemp")
SEEN = frozenset(
    {"open", "http.client.send", *TEMPORARY, *audit_events.FILE_CHANGES, *audit_events.OTHERS}
)

_installed = False


def install() -> None:
    """Idempotent. A hook can't be removed."""
    global _installed
    if not _installed:
        sys.addaudithook(_hook)
        _installed = True


def _hook(event: str, args: tuple[Any, ...]) -> None:
    """Raises: NotCaught: the event is an effect, and the block catches. Python then aborts it."""
    block = current()
    if block is None or event not in SEEN:
        return
    try:
        block.refuse_if(lambda: _seen(block, event, args))
    except NotCaught:
        if event == "socket.connect":
            args[0].close()  # nobody else will
        raise


def _seen(block: EffectBlock, event: str, args: tuple[Any, ...]) -> str | None:
    """What an event does that nothing can record; None: it is recorded, or no effect."""
    if event in TEMPORARY:
        block.temporary.add(str(Path(args[0]).absolute()))
        return None
    if event == "http.client.send":
        return _sent(block, *args)
    sentence = audit_events.sentence(event, args, block.temporary)
    if sentence is None or harmless.is_harmless():
        return None
    return None if event == "socket.connect" and _is_carried(block) else sentence


def _sent(block: EffectBlock, connection: Any, data: Any) -> str | None:
    if harmless.is_harmless():
        return None
    if not block.catches:
        http_requests.record(block, connection, data)
        return None
    begun = http_requests.begun(connection, bytes(data))
    what = f"{begun.values['method']} {begun.values['url']}" if begun else "a request"
    return f"sent {what}"


def _is_carried(block: EffectBlock) -> bool:
    """Whether what is sent over a new connection is seen when it is sent."""
    carriers = harmless.carriers()
    return harmless.REDIS in carriers or (harmless.HTTP in carriers and not block.catches)
