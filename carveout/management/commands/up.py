"""`manage.py up`: the whole system for development, until Ctrl-C."""

import signal
from argparse import ArgumentParser
from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.urls import NoReverseMatch, reverse

from carveout import unix
from carveout.errors import CarveoutError
from carveout.management.contexts import chosen
from carveout.management.redis import redis_running

if TYPE_CHECKING:
    from carveout.system import System


class Command(BaseCommand):
    help = (
        "Runs everything for development: embedded Valkey if there is no REDIS_URL, a local mail"
        " sink, web, relay, a consumer per context and the worker. Ctrl-C stops it all."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="web, or the next free port")
        parser.add_argument("--no-mail", action="store_true", help="send mail to EMAIL_HOST")
        parser.add_argument(
            "--contexts", default="", help="only these, separated by commas; default: all hosted"
        )

    def handle(self, *, port: int, no_mail: bool, contexts: str, **options: Any) -> None:
        try:
            unix.require("up")
            system = _system()
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            run = system.running(port=port, mail=not no_mail, contexts=chosen(_names(contexts)))
            with redis_running(), run as running:
                running.wait_until_ready()
                _say_where(running)
                running.wait()
        except CarveoutError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self.stdout.write("Everything is stopped.")


def _names(contexts: str) -> list[str]:
    return [name.strip() for name in contexts.split(",") if name.strip()]


def _system() -> ModuleType:
    """Imported here: what a command's module raises, Django shows as a traceback."""
    try:
        return import_module("carveout.system")
    except ModuleNotFoundError as error:
        raise CommandError(
            f"`up` needs {str(error.name).partition('.')[0]}, which is not installed. Run"
            " pip install 'django-carveout[embedded]'."
        ) from error


def _say_where(running: "System") -> None:
    say = running.processes.say
    say("everything runs; Ctrl-C stops it")
    say(f"web    {running.url}/")
    with suppress(NoReverseMatch):  # a project may have no admin
        say(f"admin  {running.url}{reverse('admin:index')}")
    if running.mail_port:
        say(f"mail   {running.mail_dir}, accepted on port {running.mail_port}")
