"""Runs a mail server for development: it stores messages as files and forwards none.

python -m carveout.runtime.mail_sink --port 1025 --dir .carveout/mail
"""

import argparse
import asyncio
import itertools
import os
import signal
import sys
import time
from email import message_from_bytes, policy
from functools import partial
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

HOST = "127.0.0.1"


class Keep:
    """Stores each accepted message as one `.eml` file, and prints a line about it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.numbers = itertools.count()

    async def handle_DATA(  # noqa: N802 (aiosmtpd calls it so)
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        store(self.folder, f"{time.time_ns()}-{os.getpid()}-{next(self.numbers)}", envelope)
        subject = message_from_bytes(_content(envelope), policy=policy.default)["Subject"]
        say(f"to {', '.join(envelope.rcpt_tos)}: {subject}")
        return "250 Message accepted for delivery"


def store(folder: Path, name: str, envelope: Envelope) -> None:
    """Write the message as received, so that a reader never sees a partial one."""
    unfinished = folder / f"{name}.part"
    unfinished.write_bytes(_content(envelope))
    unfinished.rename(folder / f"{name}.eml")


async def serve(port: int, folder: Path) -> None:
    """Accept mail until SIGTERM or Ctrl-C, then end at once."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    server = await loop.create_server(partial(SMTP, Keep(folder), hostname=HOST), HOST, port)
    say(f"listening on {HOST}:{port}, keeping messages in {folder}")
    await ended.wait()
    server.close()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m carveout.runtime.mail_sink", description=__doc__
    )
    parser.add_argument("--port", type=int, default=1025)
    parser.add_argument("--dir", type=Path, required=True, help="folder for the messages")
    options = parser.parse_args()
    options.dir.mkdir(parents=True, exist_ok=True)
    try:
        asyncio.run(serve(options.port, options.dir))
    except OSError as error:
        parser.exit(1, f"can't listen on {HOST}:{options.port}: {error.strerror or error}\n")


def _content(envelope: Envelope) -> bytes:
    content = envelope.content or b""
    return content if isinstance(content, bytes) else content.encode()


if __name__ == "__main__":
    main()
