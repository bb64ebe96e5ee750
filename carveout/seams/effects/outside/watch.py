"""Records or catches what code does outside the database: mails, jobs, requests, and all else.

What can't be recorded is noted as a sentence: files that are written, connections, commands,
threads, changes in Redis. Only the code of the same thread is meant, and what runs in a copy of its
context.

No effects, and really done in both modes: Carveout's own lookups and commands to Redis; database
connections that Django opens; all that log handlers do; bytecode; and temporary files that
`tempfile` makes, with what is written into them. What a temporary file is renamed to is an effect.
Carveout's own jobs are no effects either, but where effects are caught, they are not enqueued.

What a job does is the job's matter, even if it runs at once. The same holds for a mail's backend.

Not seen:

- what is sent over a connection that was open before, other than by HTTP, SMTP or Redis;
- what extensions in C do on their own: other database drivers, gRPC, ODBC, cURL, HTTP/2 of urllib3;
- work for a thread that runs already, handed over by a queue;
- caches in this process's memory;
- asyncio clients of Redis and Valkey on connections that are open;
- when a job is to run: its delay or its time;
- libraries that are imported for the first time inside the block, other than by the connections and
  files that they open. The next block sees them; mail and task backends are seen at once.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from carveout.runtime.unix import after_fork
from carveout.seams.effects.effects import Outside
from carveout.seams.effects.outside import (
    audit_hook,
    celery_jobs,
    django_tasks,
    harmless,
    httpx_requests,
    mails,
    redis_commands,
    rq_jobs,
    threads,
)
from carveout.seams.effects.outside.block import opened, suspended

logger = logging.getLogger(__name__)

PARTS = (
    harmless,
    mails,
    rq_jobs,
    celery_jobs,
    django_tasks,
    httpx_requests,
    redis_commands,
    threads,
    audit_hook,
)

_installing = threading.Lock()


@contextmanager
def recorded() -> Iterator[Outside]:
    """Inside the block, everything is really done, and recorded. It never fails.

    Inside a block that catches, everything is still caught.
    """
    with opened(catches=False) as block:
        try:
            install()
        except Exception as error:
            logger.warning("Effects are not recorded: %r", error)
            block.note(f"was not recorded: {error!r}")
        yield block.outside


@contextmanager
def caught() -> Iterator[Outside]:
    """Inside the block, nothing is done outside the database. It is recorded as if it were.

    What can't be caught raises NotCaught, and is noted too, so it counts even if it is swallowed.
    """
    install()
    with opened(catches=True) as block:
        yield block.outside


def allowed() -> AbstractContextManager[None]:
    """Inside the block, all is done for real, and nothing is recorded."""
    return suspended()


def install() -> None:
    """Wrap what this process has imported. Idempotent; each block does it again for the rest."""
    with _installing:
        for part in PARTS:
            part.install()


def _reset() -> None:
    global _installing
    _installing = threading.Lock()


after_fork(_reset)
