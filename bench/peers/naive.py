"""Hand-written: a consumer group, one entry at a time, a transaction with inbox row and effect."""

import redis
from django.conf import settings
from django.db import IntegrityError, transaction
from inbox.models import Handled

from bench.peers import work
from bench.rounds import timed

STREAM, GROUP = "naive", "naive"


def run(count: int) -> float:
    work.migrate()
    work.empty()
    client = redis.Redis.from_url(settings.REDIS_URL, decode_responses=True)
    client.delete(STREAM)
    pipeline = client.pipeline(transaction=False)
    for event_id, key, number in work.events(count):
        pipeline.xadd(STREAM, {"id": event_id, "key": key, "number": number})
    pipeline.execute()
    client.xgroup_create(STREAM, GROUP, "0")
    return timed(lambda: _consume(client), count)


def _consume(client: redis.Redis) -> None:
    while found := client.xreadgroup(GROUP, "one", {STREAM: ">"}, count=1):
        entries = found[STREAM][0] if isinstance(found, dict) else found[0][1]
        for entry_id, fields in entries:
            _handle(fields)
            client.xack(STREAM, GROUP, entry_id)


def _handle(fields: dict[str, str]) -> None:
    try:
        with transaction.atomic():
            Handled.objects.create(event_id=fields["id"])
            work.store(fields["id"], fields["key"], int(fields["number"]))
    except IntegrityError:
        return  # handled before
