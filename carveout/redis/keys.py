"""Names every key and channel that Carveout has in Redis.

The keys of one partition share a hash tag, the part in braces, so that a script can use several of
them on a cluster. `docs/howto/use-your-own-redis.md` says what each of them holds.
Source: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags
"""

from carveout.events.event import PartitionRef

CONTRACTS = "carveout:contracts"
FIRST_SEEN = "carveout:contracts:since"
LAST_COUNTED = "carveout:tally:last"
JOB_ENQUEUED = "rq:carveout:enqueued"
"""Tells running jobs that others wait. On the Redis of the jobs."""


def stream(ref: PartitionRef) -> str:
    return _of(ref, "stream")


def identity(ref: PartitionRef) -> str:
    """Which log the stream is a copy of."""
    return _of(ref, "log")


def reports(ref: PartitionRef) -> str:
    """The reported cursors."""
    return _of(ref, "cursors")


def reports_since(ref: PartitionRef) -> str:
    """Since when Redis has not lost the reported cursors."""
    return _of(ref, "kept")


def batch_traces(ref: PartitionRef, subscription: str) -> str:
    return _of(ref, f"trace:{subscription}")


def lease(ref: PartitionRef, subscriber: str) -> str:
    return _of(ref, f"lease:{subscriber}")


def crash_marker(ref: PartitionRef, subscriber: str) -> str:
    return _of(ref, f"batch:{subscriber}")


def members(subscriber: str) -> str:
    """The consumers that share a context's partitions."""
    return f"carveout:members:{subscriber}"


def counts(kind: str) -> str:
    return f"carveout:tally:{kind}"


def stream_channel(context: str) -> str:
    """Where the relay announces new entries in a context's streams."""
    return f"carveout:news:{context}"


def log_channel(context: str) -> str:
    """Where publishers announce new events in a context's log."""
    return f"carveout:wake:{context}"


def job_wakeups(context: str) -> str:
    """What wakes a running job of a context. On the Redis of the jobs, among RQ's keys."""
    return f"rq:carveout:wake:{context}"


def _of(ref: PartitionRef, what: str) -> str:
    return f"carveout:{{{ref}}}:{what}"
