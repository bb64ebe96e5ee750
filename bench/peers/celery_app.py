"""The Celery application: acknowledged after the work, and connections to PostgreSQL kept."""

import os

from celery import Celery

app = Celery("bench", broker=os.environ["REDIS_URL"], include=["bench.peers.celery"])
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)
app.conf["CELERY_DB_REUSE_MAX"] = 1_000_000_000  # it reads this one in capitals only
