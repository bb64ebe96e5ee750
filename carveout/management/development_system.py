"""Runs the development system: its processes, their ports, and the order of starting."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import Any, TextIO

from django.conf import settings as django_settings

from carveout.conf import get_settings
from carveout.errors import CarveoutError
from carveout.management import keyboard
from carveout.runtime import ports
from carveout.runtime.processes import Child, Processes
from carveout.subscriptions import subscription

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
READY_TIMEOUT_S = 60.0
POLL_S = 0.1
MAIL = "mail"
"""The name of the mail sink among the processes."""


class SystemFailed(CarveoutError):
    """A process of the system ended unexpectedly; the message names it, its log says why."""


@dataclass(frozen=True)
class System:
    """A running development system: its processes, ports and folders."""

    processes: Processes
    web_port: int
    mail_port: int | None
    """None: mail goes to EMAIL_HOST."""
    mail_dir: Path

    @property
    def url(self) -> str:
        return f"http://{ports.HOST}:{self.web_port}"

    def wait_until_ready(self) -> None:
        """Wait until the web answers.

        Raises: SystemFailed: some process ended, or the web did not answer in time.
        """
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not ports.answers(self.web_port):
            self.check()
            if time.monotonic() > deadline:
                raise SystemFailed(f"{self.url} did not answer within {READY_TIMEOUT_S:.0f} s.")
            time.sleep(POLL_S)

    def check(self) -> None:
        """Raises: SystemFailed: some process ended."""
        if (child := self.processes.ended()) is not None:
            raise _ended(child)

    def serve(self, say: Callable[[str], object]) -> None:
        """Run until a process ends. In a terminal, the key `m` stops and starts the mail server.

        Raises: SystemFailed: some process ended.
        """
        killed: tuple[str, ...] = ()
        with keyboard.keys() as key:
            while True:
                self.check()
                if key(POLL_S) != "m" or self.mail_port is None:
                    continue
                if killed:
                    self.processes.start(MAIL, *killed)
                    killed = ()
                    say("The mail server runs again. What waited is sent within half a minute.")
                else:
                    killed = self.processes.kill(MAIL)
                    say("The mail server has stopped, and all else goes on. m starts it again.")


@contextmanager
def running(
    *,
    port: int = 8000,
    mail: bool = True,
    contexts: Sequence[str] = (),
    output: TextIO = sys.stdout,
) -> Iterator[System]:
    """Run the whole system inside the block: mail, web, and all workers. Redis must run.

    contexts: run only these; default: all hosted. port: the web's; if taken, the next free one.
    output: where the log goes; default: standard output.
    Raises: SystemFailed: the migrations failed.
    """
    settings = get_settings()
    contexts = list(contexts or settings.hosted)
    mail_port = _mail_port() if mail else None
    env = _environment(contexts, mail_port)
    processes = Processes(env, output or sys.stdout, _name_width(contexts))
    system = System(processes, ports.next_free(port), mail_port, settings.state_dir / "mail")
    try:
        _migrate(processes)
        _start(system, contexts)
        yield system
    finally:
        processes.stop()


def _start(system: System, contexts: Sequence[str]) -> None:
    start = system.processes.start
    if system.mail_port:
        sink = ("--port", str(system.mail_port), "--dir", str(system.mail_dir))
        start(MAIL, sys.executable, "-m", "carveout.runtime.mail_sink", *sink)
    start("web", *_manage("runserver", "--noreload", f"{ports.HOST}:{system.web_port}"))
    start("relay", *_manage("relay"))
    for context in contexts:
        start(_consumer(context), *_manage("consume", context))
    if with_jobs := [context for context in contexts if _has_jobs(context)]:
        start("work", *_manage("work", *with_jobs))


def _migrate(processes: Processes) -> None:
    for alias in django_settings.DATABASES:
        command = _manage("migrate", "--no-input", "--verbosity", "0", "--database", alias)
        if code := processes.run("migrate", *command):
            raise SystemFailed(
                f"migrate of database {alias!r} ended with code {code}; see its log."
            )


def _manage(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "django", *arguments)


def _environment(contexts: Sequence[str], mail_port: int | None) -> dict[str, str]:
    """The processes' environment: this project, from any working directory, and these ports."""
    environment = {
        "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"],
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "CONTEXTS": ",".join(contexts),
        "DJANGO_RUNSERVER_HIDE_WARNING": "true",
    }
    if mail_port:
        environment |= {"EMAIL_HOST": ports.HOST, "EMAIL_PORT": str(mail_port)}
    return environment


def _mail_port() -> int | None:
    """A port for the mail sink; None if mail goes to a server elsewhere."""
    host, port = _mail_server()
    return ports.next_free(max(port, 1_025)) if host in LOCAL_HOSTS else None


def _mail_server() -> tuple[str, int]:
    """The mail server's host and port: Django 6.1 has them in MAILERS, older ones in EMAIL_…."""
    settings: Any = django_settings
    if not hasattr(settings, "MAILERS"):
        return settings.EMAIL_HOST, settings.EMAIL_PORT
    options: dict[str, Any] = settings.MAILERS.get("default", {}).get("OPTIONS", {})
    return options.get("host", "localhost"), options.get("port", 25)


def _has_jobs(context: str) -> bool:
    return any(each.via == "rq" for each in subscription.hosted([context]))


def _consumer(context: str) -> str:
    return f"consume {context}"


def _name_width(contexts: Sequence[str]) -> int:
    return max(len(_consumer(context)) for context in contexts)


def _ended(child: Child) -> SystemFailed:
    code = child.process.wait()
    how = f"ended with code {code}" if code >= 0 else f"was killed by {Signals(-code).name}"
    return SystemFailed(f"{child.name!r} {how}, so everything was stopped. Its last lines say why.")
