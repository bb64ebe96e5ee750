"""manage.py work CONTEXT…"""

import logging
import time
from functools import partial
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser

from carveout.conf.hosting import RQ_SERIALIZER, missing_for_jobs, rq_queue_name
from carveout.contracts import deployed
from carveout.deliveries.job_queue import JOB_CLASS, worker_name
from carveout.management.arguments import add_contexts, chosen
from carveout.management.base import WorkerCommand
from carveout.management.health_server import add_monitor, monitored
from carveout.management.redis_running import redis_running
from carveout.redis.client import REDIS_ERRORS
from carveout.redis.refusals import unavailable

logger = logging.getLogger(__name__)

WORKER_CLASS = "carveout.deliveries.job_worker.JobWorker"
RETRY_S = 1.0
WORKER_TTL_S = 30
"""RQ waits 15 s less than this for a job, and notices 10 s later if Redis silently vanished."""


class Command(WorkerCommand):
    """Runs the jobs of the named contexts in django-rq's worker, and refuses all other jobs."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        add_contexts(parser)
        parser.add_argument("--once", action="store_true", help="process what is there and exit")
        parser.add_argument("--worker-class", default=WORKER_CLASS, help="default: %(default)s")
        add_monitor(parser)

    def handle(self, *args: Any, contexts: list[str], once: bool, **options: Any) -> None:
        if package := missing_for_jobs():
            raise CommandError(
                f"`work` needs {package}, which is not installed. Run"
                " pip install 'django-carveout[rq]'."
            )
        if not apps.is_installed("django_rq"):
            raise CommandError(
                "'django_rq' is not in INSTALLED_APPS, but `work` runs its worker. Add it:"
                ' INSTALLED_APPS += ["django_rq"].'
            )
        configured = getattr(django_settings, "RQ_QUEUES", {})
        names = [rq_queue_name(context) for context in chosen(contexts)]
        missing = [name for name in names if name not in configured]
        if missing:
            raise CommandError(
                f"settings.RQ_QUEUES lacks {', '.join(missing)}. Write"
                " RQ_QUEUES = carveout.rq_queues(CARVEOUT) in the settings."
            )
        with redis_running(), monitored("work", options, self.print_line):
            _announce(chosen(contexts))
            while not _worked(names, once, options):
                time.sleep(RETRY_S)


def _announce(contexts: list[str]) -> None:
    """Publishes their contracts to Redis now, and repeatedly while the worker runs."""
    from carveout.deliveries.job_worker import JobWorker  # it needs rq

    JobWorker.each_turn = partial(deployed.announce, contexts)
    deployed.announce(contexts)


def _worked(names: list[str], once: bool, options: dict[str, Any]) -> bool:
    """Runs a worker until it ends. Returns: did it start? Not if Redis does not answer at first."""
    try:
        call_command(
            "rqworker",
            *names,
            name=worker_name(),
            job_class=JOB_CLASS,
            serializer=RQ_SERIALIZER,
            worker_class=options["worker_class"],
            burst=once,
            worker_ttl=WORKER_TTL_S,
            verbosity=options["verbosity"],
        )
    except (SystemExit, *REDIS_ERRORS) as error:
        # rqworker reports a lost connection and exits; the cause is the error's context.
        cause = unavailable(error.__context__ or error if isinstance(error, SystemExit) else error)
        if once:
            raise cause from error
        logger.warning("%s Trying again.", cause)
        return False
    return True
