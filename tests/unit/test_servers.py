"""The servers for tests leave nothing behind that a later test would trip over."""

import gc
import socket

from carveout.runtime.ports import HOST
from tests.chaos.proxy import Proxy
from tests.servers import SmtpForTests, free_port

TIMES = 5


def test_a_mail_server_that_stops_ends_calls_that_have_only_begun():
    """Else the collector of garbage finds them, and pytest blames whichever test runs then."""
    for _ in range(TIMES):
        server = SmtpForTests()
        server.start()
        with socket.create_connection((HOST, server.port)):
            server.stop()
        gc.collect()


def test_so_does_a_proxy():
    for _ in range(TIMES):
        proxy = Proxy(free_port())
        with socket.create_connection((HOST, proxy.port)):
            proxy.close()
        gc.collect()
