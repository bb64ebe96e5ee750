"""RQ: the SimpleWorker, which does not fork for each job."""

import logging

from django.conf import settings
from redis import Redis
from rq import Queue, SimpleWorker

from bench.peers import work
from bench.rounds import timed

logging.getLogger("rq.worker").setLevel(logging.ERROR)


def run(count: int) -> float:
    work.migrate()
    work.empty()
    connection = Redis.from_url(settings.REDIS_URL)
    queue = Queue("bench", connection=connection)
    for event in work.events(count):
        queue.enqueue(work.store, *event)
    worker = SimpleWorker([queue], connection=connection)
    seconds = timed(lambda: worker.work(burst=True, logging_level="ERROR"), count)
    work.wait_for(count)
    return seconds
