"""Delivery without a relay, where a table is written outside a transaction. For tests only.

`publish` needs a transaction, and its events are delivered when that ends. A trigger does not.
"""

from typing import Any

from django.db import connections
from django.db.models.signals import post_save
from django.utils.module_loading import import_string

from carveout.conf import get_settings
from carveout.runtime.databases import in_block_of_code

_DELIVER = {
    "inline": "carveout.consumers.inline.deliver",
    "eager": "carveout.consumers.inline.drain",
}
_WAITS = "_carveout_announced"
"""Set on a connection while `save` has not read yet what its statement returns."""


def is_due_at_once(connection: Any) -> bool:
    """Whether a write to this connection has committed, or no test's code will ever commit it."""
    delivery = get_settings().delivery
    if delivery == "eager":
        return not in_block_of_code(connection)
    return delivery == "inline" and not connection.in_atomic_block


def deliver(connection: Any, sql: str) -> None:
    """Deliver now; after `save` if SQLite has not finished the statement."""
    if "returning" in sql.lower():
        # Only now: every `save` of the project would have to call it.
        post_save.connect(_saved, dispatch_uid="carveout_announced_tables")
        connection.__dict__[_WAITS] = True
    else:
        _deliver()


def _saved(using: str, **_: object) -> None:
    if connections[using].__dict__.pop(_WAITS, False):
        _deliver()


def _deliver() -> None:
    is_under_way = import_string("carveout.consumers.inline.is_under_way")
    if not is_under_way():
        import_string(_DELIVER[get_settings().delivery])()
