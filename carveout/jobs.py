"""Jobs: hand deliveries to django-rq, and run exactly one function there, whatever is queued."""

import logging
import secrets
from collections.abc import Collection, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

from django.db import transaction

from carveout import address, delivery, turn
from carveout.conf import RQ_SERIALIZER, get_settings, rq_queue_name
from carveout.connection import REDIS_ERRORS, jobs_client
from carveout.event import ReceivedEvent
from carveout.failpoint import reach
from carveout.models import Delivery
from carveout.refusal import unavailable
from carveout.subscription import Subscription

if TYPE_CHECKING:
    from rq import Queue

logger = logging.getLogger(__name__)

JOB_CLASS = "carveout.delivery_job.DeliveryJob"
FUNCTION = "carveout.delivery_job.run_delivery"
GUARDED = "carveout-guarded-"
"""How the names of workers begin that run nothing but `FUNCTION`. RQ's registration tells neither
job class nor serialiser."""


def hand_over(subscription: Subscription, events: Sequence[ReceivedEvent]) -> None:
    """Store deliveries in the transaction that is open, and enqueue them once it commits."""
    if not events:
        return
    delivery.store(subscription, events, Delivery.State.QUEUED)
    ids = turn.ids_of(subscription, events)
    if get_settings().uses_redis:

        def enqueue_them() -> None:  # no partial: Django wants a name to log if it fails
            enqueue(subscription.context, ids)

        transaction.on_commit(enqueue_them, using=subscription.database, robust=True)


def enqueue(context: str, ids: Collection[int]) -> None:
    """Give each delivery a job. If Redis does not answer, the sweeper does it later."""
    if not ids:
        return
    queue = _queue(context)
    data = [
        queue.prepare_data(
            FUNCTION,
            args=(delivery_id,),
            job_id=_job_id(context, delivery_id),
            timeout=get_settings().job_timeout_s,
            result_ttl=0,
        )
        for delivery_id in ids
    ]
    try:
        queue.enqueue_many(data)
        reach("job: enqueued")
    except REDIS_ERRORS as error:
        logger.warning("%d jobs of %s wait: %s", len(ids), context, unavailable(error))


def without_job(context: str, ids: Collection[int]) -> list[int]:
    """What is in no queue. That Redis knows a job says nothing: its worker may have been killed.

    Raises: redis.RedisError, OSError: Redis did not answer.
    """
    if not ids:
        return []
    # Compared as bytes: RQ's own reading stumbles over a name that is not UTF-8.
    queued = set(jobs_client().lrange(_queue(context).key, 0, -1))
    return [each for each in ids if _job_id(context, each).encode() not in queued]


class JobWorkerSeen(NamedTuple):
    """A worker as RQ registers it."""

    name: str
    host: str
    pid: int

    @property
    def guarded(self) -> bool:
        return self.name.startswith(GUARDED)


def worker_name() -> str:
    """A new name for a worker that was given our job class and serialiser."""
    return GUARDED + secrets.token_hex(8)


def workers_of(context: str) -> list[JobWorkerSeen]:
    """The workers that are registered on a context's queue; none where there can't be any.

    Raises: redis.RedisError, OSError: Redis did not answer.
    """
    if not find_spec("rq") or address.parse(get_settings().jobs_redis).kind == "cluster":
        return []
    from rq import Worker

    seen = Worker.all(queue=_queue(context))
    return [JobWorkerSeen(each.name, each.hostname or "", each.pid or 0) for each in seen]


def _job_id(context: str, delivery_id: int) -> str:
    return f"{rq_queue_name(context)}-{delivery_id}"


def _queue(context: str) -> "Queue":
    from rq import Queue

    return Queue(rq_queue_name(context), connection=jobs_client(), serializer=RQ_SERIALIZER)
