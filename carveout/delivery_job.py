"""The only job that our queues run: RQ imports whatever a job names, this class does not."""

import logging
from functools import partial
from typing import Any

from rq import get_current_job
from rq.job import Job

from carveout import database, stop, tally
from carveout.attempt import attempt
from carveout.conf import get_settings
from carveout.errors import CarveoutError
from carveout.failpoint import reach
from carveout.limit import restart_outer

logger = logging.getLogger(__name__)

FUNCTION = "carveout.delivery_job.run_delivery"


class ForgedJob(CarveoutError):
    """A job in our queue is not one of ours; it was not run."""


def run_delivery(delivery_id: int) -> None:
    """Try one delivery of the context whose queue the job came from."""
    job = get_current_job()
    context = str(job.origin).removeprefix("carveout-") if job else ""
    if not get_settings().hosts(context):
        raise ForgedJob(f"A job came from queue {context!r}, which is of no context hosted here.")
    try:
        with stop.interruptible():
            begins = partial(restart_outer, get_settings().job_timeout_s)
            attempt(delivery_id, get_settings().database_of(context), begins)
    except Exception:
        database.drop_unusable()
        raise
    finally:
        tally.flush()


class DeliveryJob(Job):
    """A job that can only be `run_delivery(<integer>)`, without callbacks and webhooks.

    Raises, when run: ForgedJob: it names anything else.
    """

    success_callback = None
    failure_callback = None
    stopped_callback = None

    @property
    def func(self) -> Any:
        return run_delivery

    @property
    def should_retry(self) -> bool:
        """A forged job would have itself tried again at once, as often as it likes."""
        return False

    def restore(self, raw_data: Any) -> None:
        """As RQ does, but without what a forged job would ask for: retries and repetitions."""
        super().restore(raw_data)
        self.retries_left = self.repeats_left = None

    def send_webhooks(self, *_: Any, **__: Any) -> None:
        """A forged job would have us ask any address."""

    def _execute(self) -> Any:
        arguments = list(self.args)
        ours = self.func_name == FUNCTION and self.instance is None and not self.kwargs
        if not ours or [type(argument) for argument in arguments] != [int]:
            logger.error("job %s refused: it names %r", self.id, self.func_name)
            raise ForgedJob(f"Job {self.id} names {self.func_name!r}{arguments!r}; it was not run.")
        reach("job: taken")
        return run_delivery(arguments[0])
