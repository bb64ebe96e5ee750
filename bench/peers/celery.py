"""Celery: one prefork process. It is stopped while work is enqueued, so only working counts."""

import atexit
import os
import signal
import subprocess
import sys
import time
import uuid

from django.db import transaction
from single.models import Effect
from source.services import new_order

from bench.peers import work
from bench.peers.celery_app import app
from bench.rounds import timed

WORKER = ("worker", "-P", "prefork", "-c", "1", "-l", "ERROR")
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")
SETTLE_S = 0.1
_workers: list[subprocess.Popen] = []


@app.task
def store(event_id: str, key: str, number: int) -> None:
    work.store(event_id, key, number)


def start() -> None:
    """Start the worker, and see that it works. A second call does nothing."""
    if _workers:
        return
    work.migrate()
    command = [sys.executable, "-m", "celery", "-A", "bench.peers.celery_app", *WORKER, *QUIET]
    worker = subprocess.Popen(
        command,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},  # it minds being run by root
    )
    _workers.append(worker)
    atexit.register(lambda: _signal(signal.SIGKILL))
    work.empty()
    store.delay(str(uuid.uuid4()), "K", 0)
    work.wait_for(1)


def run(count: int) -> float:
    start()
    work.empty()
    time.sleep(SETTLE_S)
    _signal(signal.SIGSTOP)
    for event in work.events(count):
        store.delay(*event)
    _signal(signal.SIGCONT)
    return timed(lambda: work.wait_for(count), count)


def trickle(count: int, pause_s: float) -> list[float]:
    """Store orders, slowly. Returns: the seconds from each commit to the begin of its task."""
    start()
    work.empty()
    committed = []
    for number in range(count):
        with transaction.atomic():
            transaction.on_commit(lambda: committed.append(time.time()))
            new_order()
            _enqueue_on_commit(number)
        time.sleep(pause_s)
    work.wait_for(count)
    started = Effect.objects.order_by("number").values_list("started_at", flat=True)
    return [begin - end for begin, end in zip(started, committed, strict=True)]


def flood(count: int) -> None:
    """Store orders while the worker is stopped, then let it do all their tasks."""
    start()
    work.empty()
    _signal(signal.SIGSTOP)
    for number in range(count):
        with transaction.atomic():
            new_order()
            _enqueue_on_commit(number)
    _signal(signal.SIGCONT)
    work.wait_for(count)


def _enqueue_on_commit(number: int) -> None:
    arguments = str(uuid.uuid4()), f"K-{number}", number
    transaction.on_commit(lambda: store.delay(*arguments))


def _signal(number: signal.Signals) -> None:
    for worker in _workers:
        os.killpg(worker.pid, number)
