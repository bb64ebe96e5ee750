"""procrastinate: jobs in PostgreSQL, one at a time."""

from procrastinate.contrib.django import app

from bench.peers import work
from bench.rounds import timed


@app.task
def store(event_id: str, key: str, number: int) -> None:
    work.store(event_id, key, number)


def run(count: int) -> float:
    work.migrate()
    work.empty()
    jobs = [
        {"event_id": event_id, "key": key, "number": number}
        for event_id, key, number in work.events(count)
    ]
    store.batch_defer(*jobs)
    worker = app.with_connector(app.connector.get_worker_connector())
    with worker.replace_connector(worker.connector):
        return timed(lambda: worker.run_worker(wait=False, concurrency=1), count)
