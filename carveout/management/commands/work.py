"""manage.py work CONTEXT…"""

import logging
import time
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser

from carveout.conf import RQ_SERIALIZER, missing_for_jobs, rq_queue_name
from carveout.connection import REDIS_ERRORS
from carveout.contracts import deployed
from carveout.jobs import JOB_CLASS, worker_name
from carveout.management.command import KitCommand
from carveout.management.contexts import add_contexts, chosen
from carveout.management.monitor import add_monitor, monitored
from carveout.management.redis import redis_running
from carveout.refusal import unavailable

logger = logging.getLogger(__name__)

WORKER_CLASS = "carveout.job_worker.JobWorker"
RETRY_S = 1.0
WORKER_TTL_S = 30
"""RQ waits for a job 15 s less than this, and notices 10 s later if Redis is silently gone."""


class Command(KitCommand):
    """Runs the jobs of the named contexts: django-rq's worker, guarded."""

    help = __doc__
    needs_unix = True

    def add_arguments(self, parser: CommandParser) -> None:
        add_contexts(parser)
        parser.add_argument("--once", action="store_true", help="drain what is there and exit")
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
                "'django_rq' is not in INSTALLED_APPS, and `work` runs its worker. Add it:"
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
        with redis_running(), monitored("work", options, self.tell):
            deployed.keep_telling(chosen(contexts))
            while not _worked(names, once, options):
                time.sleep(RETRY_S)


def _worked(names: list[str], once: bool, options: dict[str, Any]) -> bool:
    """Run a worker to its end. Returns: was there one? Not if Redis does not answer at first."""
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
        # rqworker tells of a lost connection and exits; what it met is the error's context.
        met = unavailable(error.__context__ or error if isinstance(error, SystemExit) else error)
        if once:
            raise met from error
        logger.warning("%s Trying again.", met)
        return False
    return True
