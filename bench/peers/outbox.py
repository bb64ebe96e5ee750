"""django-outbox-pattern: its relay, to a STOMP broker that takes everything and stores nothing."""

import socketserver
import threading

from django.conf import settings
from django_outbox_pattern.factories import factory_producer
from django_outbox_pattern.models import Published

from bench.peers import work
from bench.rounds import timed

CONNECTED = b"CONNECTED\nversion:1.2\n\n\x00"


class Broker(socketserver.StreamRequestHandler):
    """Answers CONNECT, and reads on."""

    def handle(self) -> None:
        self.rfile.readline()
        self.wfile.write(CONNECTED)
        while self.request.recv(65_536):
            pass


def run(count: int) -> float:
    """Seconds per message that is sent and marked so."""
    work.migrate()
    Published.objects.all().delete()
    Published.objects.bulk_create(
        Published(
            destination="/topic/orders",
            body={"event_id": event_id, "key": key, "number": number},
        )
        for event_id, key, number in work.events(count)
    )
    _start_broker()
    seconds = timed(factory_producer().publish_message_from_database, count)
    assert not Published.objects.filter(status=1).exists()
    return seconds


def _start_broker() -> None:
    if any(thread.name == "broker" for thread in threading.enumerate()):
        return
    address = settings.DJANGO_OUTBOX_PATTERN["DEFAULT_STOMP_HOST_AND_PORTS"][0]
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    server = socketserver.ThreadingTCPServer(address, Broker)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="broker", daemon=True).start()
