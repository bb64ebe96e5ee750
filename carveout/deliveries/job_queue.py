"""Hands deliveries to django-rq, which runs exactly one function, whatever is queued.

A job carries no delivery: it runs all that are queued for its context, and waits a moment for more.
RQ's bookkeeping for a job costs more than most handlers.
"""

import logging
import math
import secrets
from collections.abc import Collection, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

from django.db import transaction

from carveout.conf import get_settings, redis_url
from carveout.conf.hosting import RQ_SERIALIZER, rq_queue_name
from carveout.deliveries import store
from carveout.events.event import ReceivedEvent
from carveout.models import Delivery
from carveout.redis import keys
from carveout.redis.client import REDIS_ERRORS, jobs_client
from carveout.redis.refusals import unavailable
from carveout.runtime.failpoints import reach
from carveout.subscriptions.subscription import Subscription

if TYPE_CHECKING:
    from rq import Queue

logger = logging.getLogger(__name__)

JOB_CLASS = "carveout.deliveries.job.DeliveryJob"
FUNCTION = "carveout.delivery_job.drain"
"""Identifies Carveout's jobs on the wire: queued jobs contain it. Nothing imports it."""
GUARDED = "carveout-guarded-"
"""Name prefix of workers that run only `FUNCTION`. RQ's registration holds neither job class nor
serialiser."""


def park_and_wake(subscription: Subscription, events: Sequence[ReceivedEvent]) -> None:
    """Store deliveries in the open transaction, and have them run once it commits."""
    if not events:
        return
    store.park(subscription, events, Delivery.State.QUEUED)
    if get_settings().uses_redis:

        def wake_it() -> None:  # not a partial: Django logs the function's name if it fails
            wake(subscription.context)

        transaction.on_commit(wake_it, using=subscription.database, robust=True)


def wake(context: str, *, another: bool = False) -> None:
    """Have a context's queued deliveries run: wake a job that waits for them, or enqueue one.

    If Redis does not answer, the sweeper does it later.

    another: enqueue one even if a job runs; it may be busy, or its worker dead.
    """
    try:
        if (another or not _wake_running(context)) and not is_queued(context):
            _enqueue(context)
            reach("job: enqueued")
    except REDIS_ERRORS as error:
        logger.warning("%s has no job yet: %s", context, unavailable(error))


def is_queued(context: str) -> bool:
    """Whether one of our jobs waits for a worker.

    Raises: redis.RedisError, OSError: Redis did not answer.
    """
    # Compared as bytes: RQ's own reading fails on a name that is not UTF-8.
    queued = jobs_client().lrange(_queue(context).key, 0, -1)
    return any(each.startswith(_id_prefix(context).encode()) for each in queued)


def any_queued(contexts: Collection[str]) -> bool:
    """Whether any job waits in the queues of these contexts.

    Raises: redis.RedisError, OSError: Redis did not answer.
    """
    return any(jobs_client().llen(_queue(context).key) for context in contexts)


def _wake_running(context: str) -> bool:
    key = keys.job_wakeups(context)
    return bool(jobs_client().xadd(key, {"wake": ""}, maxlen=1, nomkstream=True))


def _enqueue(context: str) -> None:
    _queue(context).enqueue_call(
        FUNCTION,
        # A job that ends deletes what Redis has about its id, so each has an id of its own.
        job_id=_id_prefix(context) + secrets.token_hex(4),
        timeout=get_settings().job_timeout_s,
        result_ttl=0,
    )
    jobs_client().xadd(keys.JOB_ENQUEUED, {"in": context}, maxlen=1)


class Wakeups:
    """What wakes a running job: deliveries of its context, and jobs for other contexts.

    Streams, because a stream exists while nothing is in it: that says that a job runs.
    """

    def __init__(self, context: str) -> None:
        self._ours = keys.job_wakeups(context)
        self._after: dict[str, bytes] = {}

    def listen(self, for_s: float) -> None:
        """Begin to listen. It ends by itself after this many seconds."""
        with jobs_client().pipeline(transaction=True) as at_once:
            at_once.xadd(self._ours, {"begin": ""}, maxlen=1)
            at_once.expire(self._ours, math.ceil(for_s))
            at_once.xrevrange(keys.JOB_ENQUEUED, count=1)
            began, _, enqueued = at_once.execute()
        self._after = {self._ours: began, keys.JOB_ENQUEUED: enqueued[0][0] if enqueued else b"0"}

    def wait(self, seconds: float) -> bool:
        """Whether new deliveries came within this time. A job elsewhere ends the wait."""
        found = jobs_client().xread(self._after, block=max(math.ceil(seconds * 1000), 1))
        for stream, entries in found:
            self._after[stream.decode()] = entries[-1][0]
        return any(stream.decode() == self._ours for stream, _ in found)

    def stop(self) -> bool:
        """Listen no more. Returns: whether there are deliveries that were not there before."""
        with jobs_client().pipeline(transaction=True) as at_once:
            at_once.xrevrange(self._ours, count=1)
            at_once.delete(self._ours)
            newest, _ = at_once.execute()
        return bool(newest) and newest[0][0] != self._after[self._ours]


class RegisteredWorker(NamedTuple):
    """A worker as RQ registers it."""

    name: str
    host: str
    pid: int

    @property
    def guarded(self) -> bool:
        return self.name.startswith(GUARDED)


def worker_name() -> str:
    """A new name for a worker with Carveout's job class and serialiser."""
    return GUARDED + secrets.token_hex(8)


def workers_of(context: str) -> list[RegisteredWorker]:
    """The workers that are registered on a context's queue; empty where there can't be any.

    Raises: redis.RedisError, OSError: Redis did not answer.
    """
    if not find_spec("rq") or redis_url.parse(get_settings().jobs_redis).kind == "cluster":
        return []
    from rq import Worker

    seen = Worker.all(queue=_queue(context))
    return [RegisteredWorker(each.name, each.hostname or "", each.pid or 0) for each in seen]


def _id_prefix(context: str) -> str:
    return f"{rq_queue_name(context)}-drain-"


def _queue(context: str) -> "Queue":
    from rq import Queue

    return Queue(rq_queue_name(context), connection=jobs_client(), serializer=RQ_SERIALIZER)
