"""manage.py up"""

import signal
from argparse import ArgumentParser
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.urls import NoReverseMatch, reverse

from carveout.errors import CarveoutError
from carveout.management import development_system
from carveout.management.arguments import chosen
from carveout.management.development_system import System
from carveout.management.redis_running import redis_running
from carveout.runtime import unix


class Command(BaseCommand):
    help = (
        "Runs the whole system for development: an embedded Valkey if there is no REDIS_URL, a"
        " local mail sink, web, relay, a consumer per context and the worker. Ctrl-C stops it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--port", type=int, default=8000, help="the web's port, or the next free one"
        )
        parser.add_argument(
            "--no-mail", action="store_true", help="start no mail sink; send mail to EMAIL_HOST"
        )
        parser.add_argument(
            "--contexts",
            default="",
            help="run only these, separated by commas; default: all hosted",
        )

    def handle(self, *, port: int, no_mail: bool, contexts: str, **options: Any) -> None:
        try:
            unix.require("up")
            if not no_mail:
                _insist_on_mail_sink()
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            names = chosen(_names(contexts))
            run = development_system.running(port=port, mail=not no_mail, contexts=names)
            with redis_running(), run as running:
                running.wait_until_ready()
                _say_where(running)
                running.serve(running.processes.say)
        except CarveoutError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self.stdout.write("Everything has stopped.")


def _names(contexts: str) -> list[str]:
    return [name.strip() for name in contexts.split(",") if name.strip()]


def _insist_on_mail_sink() -> None:
    if not find_spec("aiosmtpd"):
        raise CommandError(
            "`up` needs aiosmtpd, which is not installed. Run"
            " pip install 'django-carveout[embedded]', or `up --no-mail`."
        )


def _say_where(running: System) -> None:
    say = running.processes.say
    mail_key = ", m stops and starts the mail server" if running.mail_port else ""
    say(f"everything runs; Ctrl-C stops it{mail_key}")
    say(f"web    {running.url}/")
    with suppress(NoReverseMatch):  # a project may have no admin
        say(f"admin  {running.url}{reverse('admin:index')}")
    if running.mail_port:
        say(f"mail   {running.mail_dir}, accepted on port {running.mail_port}")
