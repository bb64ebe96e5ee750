"""A mail server in a process of its own, so that its work is nobody else's."""

from email.message import EmailMessage

from tests.servers import SmtpForTests

NO_PROJECT = "django.conf.global_settings"
"""The settings of a process that needs no project."""


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
