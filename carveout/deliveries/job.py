"""The only job that Carveout's queues run. RQ imports whatever a job names; this class does not."""

import logging
from collections.abc import Collection
from typing import Any

from rq.job import Job

from carveout.conf import get_settings
from carveout.conf.hosting import context_of_queue
from carveout.deliveries.drain import drain
from carveout.deliveries.job_queue import FUNCTION
from carveout.errors import CarveoutError
from carveout.runtime.failpoints import reach
from carveout.telemetry import instrumentation

logger = logging.getLogger(__name__)


class ForgedJob(CarveoutError):
    """A job in Carveout's queue is not one of its own. It was not run."""


class DeliveryJob(Job):
    """A job that can only run `drain` of its queue's context, without callbacks and webhooks.

    Raises, when run: ForgedJob: it names anything else.
    """

    contexts: Collection[str] | None = None
    """What its worker runs jobs for; None: a job should not wait for further deliveries."""
    success_callback = None
    failure_callback = None
    stopped_callback = None

    @property
    def func(self) -> Any:
        return drain

    @property
    def should_retry(self) -> bool:
        """A forged job could ask to be retried at once, without limit."""
        return False

    def restore(self, raw_data: Any) -> None:
        """Restore as RQ does, but without retries and repetitions, which could be forged."""
        super().restore(raw_data)
        self.retries_left = self.repeats_left = None

    def send_webhooks(self, *_: Any, **__: Any) -> None:
        """Send nothing: a forged job could make the worker call any address."""

    def _execute(self) -> Any:
        context = context_of_queue(str(self.origin))
        ours = self.func_name == FUNCTION and self.instance is None
        if not ours or self.args or self.kwargs or not get_settings().hosts(context):
            logger.error("job %s refused: it names %r", self.id, self.func_name)
            raise ForgedJob(
                f"Job {self.id} of queue {self.origin!r} names {self.func_name!r}"
                f"{list(self.args)!r}; it was not run."
            )
        reach("job: taken")
        others = None if self.contexts is None else [*{*self.contexts} - {context}]
        try:
            drain(context, others)
        finally:
            instrumentation.flush()  # the process may end with its job
