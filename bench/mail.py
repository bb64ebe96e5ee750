"""A mail server in a process of its own, so that its work is nobody else's."""

from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage

from bench.side import Side
from tests.servers import HOST, SmtpForTests

NO_PROJECT = "django.conf.global_settings"
"""The settings of a process that needs no project."""


@contextmanager
def running() -> Iterator[tuple[Side, dict[str, str]]]:
    """Yields: the mail server, and where it is, as the projects' environment says it."""
    with Side(__name__, NO_PROJECT) as side:
        yield side, {"EMAIL_HOST": HOST, "EMAIL_PORT": str(side.call("start"))}


class Counted(list[EmailMessage]):
    """Takes messages without keeping them."""

    taken = 0

    def append(self, _message: EmailMessage) -> None:
        self.taken += 1


server = SmtpForTests()
server.messages = counted = Counted()


def start() -> int:
    """Returns: its port."""
    server.start()
    return server.port


def taken() -> int:
    """How many messages it took."""
    return counted.taken
