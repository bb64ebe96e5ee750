"""The seam: a place in the code where a call is being replaced by an event."""

from collections.abc import Callable

from django.db import connections, transaction

from carveout.conf import context_of, get_settings
from carveout.eventlog.publish import store
from carveout.events.event import Event, key_of
from carveout.runtime.databases import in_block_of_code
from carveout.seams import shadow, switch, unhandled
from carveout.seams.share import in_share


def seam(name: str, call: Callable[[], object], event: Callable[[], Event]) -> None:
    """Run a call as before, or publish the event that replaces it, as `manage.py seams` is set.

    The event is stored in the open transaction, so exactly one of the two happens, whenever the
    seam is switched. Only subscriptions with `seam=name` handle it. If no transaction is open, the
    event is stored in one of its own. In the mode `shadow` the call runs, and the event is only
    compared with it.

    name: `<context>.<name>`, with the context that handles the event.

    Raises: whatever the call raises; or, in the mode `events`, InvalidEvent as `publish`.
    """
    state = switch.current(name)
    if state.only_calls or (state.only_shadow and shadow.is_watched()):
        call()
    elif state.only_shadow:
        shadow.run(name, state, call, event)
    else:
        _decide(name, state, call, event())


def _decide(
    name: str, state: switch.SeamState, call: Callable[[], object], announced: Event
) -> None:
    database = get_settings().database_of(context_of(type(announced).__module__).name)
    if _by_event(name, state, key_of(announced), database):
        _publish(name, announced, database)
    elif state.mode == switch.SHADOW and not shadow.is_watched():
        shadow.run(name, state, call, lambda: announced)
    else:
        call()


def _by_event(name: str, state: switch.SeamState, key: str, database: str) -> bool:
    if state.mode == switch.EVENTS and in_share(name, key, state.share):
        return True
    # A call must not overtake an event of its key that is still on its way.
    return state.draining and unhandled.of_key(name, key, database)


def _publish(name: str, event: Event, database: str) -> None:
    if in_block_of_code(connections[database]):
        store([event], seam=name)
        return
    with transaction.atomic(using=database):
        store([event], seam=name)
