"""A Redis that forgets: what operators, fail-overs and restarts do to one partition's stream."""

import redis

from carveout.events.event import PartitionRef
from carveout.redis import keys

REPLICA = "replica:"
TROUBLES = ("flush", "trim", "lose_entry", "replicate", "fail_over")


class ForgetfulRedis:
    """The stream of one partition, and a replica of it that is behind."""

    def __init__(self, client: redis.Redis, ref: PartitionRef) -> None:
        self.client = client
        self.stream = keys.stream(ref)
        self._keys = (self.stream, keys.identity(ref))
        client.flushall()

    def entries(self) -> list[tuple[int, str]]:
        """The position and the event's id of each entry."""
        entries = self.client.xrange(self.stream)
        return [(int(entry_id.split("-")[0]), fields["id"]) for entry_id, fields in entries]

    def suffer(self, trouble: str) -> None:
        """One of TROUBLES."""
        getattr(self, f"_{trouble}")()

    def _flush(self) -> None:
        for key in self.client.scan_iter("carveout:*"):
            self.client.delete(key)

    def _trim(self) -> None:
        self.client.xtrim(self.stream, maxlen=1, approximate=False)

    def _lose_entry(self) -> None:
        for entry_id, _ in self.client.xrange(self.stream)[1:2]:
            self.client.xdel(self.stream, entry_id)

    def _replicate(self) -> None:
        """From now on a fail-over brings the stream of this moment back."""
        for key in self._keys:
            self.client.delete(REPLICA + key)
            self.client.copy(key, REPLICA + key)

    def _fail_over(self) -> None:
        for key in self._keys:
            self.client.delete(key)
            self.client.copy(REPLICA + key, key)
