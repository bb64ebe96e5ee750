"""The Open edX event bus on Redis Streams."""

import attr
from edx_event_bus_redis.internal.consumer import RedisEventConsumer
from edx_event_bus_redis.internal.producer import create_producer
from openedx_events.tooling import OpenEdxPublicSignal

from bench.peers import work
from bench.rounds import timed

TOPIC = "orders"


@attr.s(frozen=True)
class OrderData:
    """What is announced."""

    event_id = attr.ib(type=str)
    key = attr.ib(type=str)
    number = attr.ib(type=int)


PLACED = OpenEdxPublicSignal("org.openedx.bench.order.placed.v1", {"order": OrderData})
_consumers: list[RedisEventConsumer] = []
_left = 0


def run(count: int) -> float:
    global _left
    if not _consumers:
        work.migrate()
        PLACED.connect(_store)
        _consumers.append(RedisEventConsumer(TOPIC, "bench", "one"))
    work.empty()
    consumer = _consumers[0]
    producer = create_producer()
    for event in work.events(count):
        producer.send(
            signal=PLACED,
            topic=TOPIC,
            event_key_field="order.key",
            event_data={"order": OrderData(*event)},
            event_metadata=PLACED.generate_signal_metadata(),
        )
    _left = count
    consumer._shut_down_loop = False
    seconds = timed(consumer.consume_indefinitely, count)
    work.wait_for(count)
    return seconds


def _store(order: OrderData, **_: object) -> None:
    global _left
    work.store(order.event_id, order.key, order.number)
    _left -= 1
    if not _left:
        _consumers[0]._shut_down()
