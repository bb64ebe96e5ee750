"""The watcher: looks at cursors and logs while all is under way."""

import threading
from collections.abc import Callable

from tests.chaos.checker import HEADS, Findings
from tests.chaos.stores import Stores

LOOK_EVERY_S = 0.5

# One statement sees one moment: what is parked or done is as much as the cursors have passed.
BALANCE = """
    SELECT
        (SELECT coalesce(sum(position), 0) FROM carveout_cursor WHERE subscription = 'audit.{0}'),
        (SELECT count(*) FROM audit_effect WHERE subscription = '{0}'),
        (SELECT count(*) FROM carveout_delivery
         WHERE subscription = 'audit.{0}' AND state <> 'trying')
"""
CURSORS = "SELECT subscription, partition, position FROM carveout_cursor WHERE context = 'ledger'"
FIRSTS = (
    "SELECT partition, min(position) FROM carveout_loggedevent WHERE context = 'ledger'"
    " GROUP BY partition"
)


class Watcher:
    """Looks again and again in a thread of its own, until it is stopped."""

    def __init__(self, stores: Stores, found: Findings, *, copies: bool = False) -> None:
        self._stores, self._found = stores, found
        self._copies = copies
        self._seen: dict[tuple[str, int], int] = {}
        self._versions: dict[str, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)
        self.looks = 0
        self.failed: list[Exception] = []

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        looks: list[Callable[[], None]] = [self._look_at_cursors, self._look_at_balance]
        looks += [self._look_at_copies] if self._copies else []
        while not self._stop.wait(LOOK_EVERY_S):
            for look in looks:
                try:
                    look()
                except Exception as error:
                    self.failed.append(error)
            self.looks += 1

    def _look_at_cursors(self) -> None:
        # In this order: cursors and heads only grow, so what was true then is true now.
        firsts = dict(self._stores.ledger(FIRSTS))
        cursors = self._stores.audit(CURSORS)
        heads = dict(self._stores.ledger(HEADS))
        for subscription, partition, position in cursors:
            place = (subscription, partition)
            self._found.cursors += position < self._seen.get(place, 0)
            self._found.cursors += position > heads.get(partition, 0)
            self._found.pruned += position + 1 < (firsts.get(partition) or 1)
            self._seen[place] = position

    def _look_at_balance(self) -> None:
        for subscription in ("one", "batch"):
            [(passed, done, parked)] = self._stores.audit(BALANCE.format(subscription))
            self._found.cursors += passed != done + parked

    def _look_at_copies(self) -> None:
        """No row of a copy is ever older than it was, also if it was gone between."""
        for key, version in self._stores.audit("SELECT key, version FROM audit_card"):
            self._found.disordered += version < self._versions.get(key, 0)
            self._versions[key] = max(version, self._versions.get(key, 0))
