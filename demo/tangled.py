"""Runs `examples/tangled`, the same shop before carving, and orders there."""

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.cookies import SimpleCookie
from itertools import cycle
from pathlib import Path
from queue import Queue
from typing import TextIO
from urllib.parse import urlencode

import urllib3
from django.conf import settings

from carveout.errors import CarveoutError
from carveout.runtime import ports
from carveout.runtime.processes import Processes
from demo.outage import Repair
from demo.traffic import CUSTOMERS
from orders.cdnow import invented_phone

FOLDER = settings.BASE_DIR / "examples" / "tangled"
SKUS = [f"CD-000{number}" for number in (1, 2, 3)]
PREPARE = """
from django.contrib.auth import get_user_model
from catalogue.models import Product
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("seed")
Product.objects.update(stock=20_000)
get_user_model().objects.create_user("otto", "otto@example.com", {password!r})
"""
TIMEOUT_S = 15.0


class Tangled:
    """The running monolith: a web process and its own mail sink."""

    def __init__(self, processes: Processes, folder: Path, port: int, password: str) -> None:
        self.processes, self.faults = processes, folder / "faults"
        self.url, self._skus = f"http://{ports.HOST}:{port}", cycle(SKUS)
        self._browsers = Queue[Browser]()
        for _ in range(CUSTOMERS):
            browser = Browser(self.url)
            browser.sign_in("otto", password)
            self._browsers.put(browser)

    def order(self, number: int) -> None:
        """Order one CD, with a phone number at each third order.

        Raises: RuntimeError or urllib3's errors: the shop did not take the order.
        """
        browser = self._browsers.get()
        try:
            browser.post("/orders/basket/", {"sku": next(self._skus), "quantity": "1"})
            where = browser.post("/orders/checkout/", {"phone": invented_phone(number)})
        finally:
            self._browsers.put(browser)
        if "basket" in where:
            raise RuntimeError("The order was refused.")

    def stop(self, part: str) -> Repair:
        """The same accident as in the carved shop. Redis and the relay don't exist here."""
        process = {"mail": "tangled mail", "orders": "tangled"}.get(part)
        if process:
            command = self.processes.kill(process)
            return partial(self.processes.start, process, *command)
        (self.faults / part).touch()
        return (self.faults / part).unlink


class Browser:
    """A customer's browser: cookies, and the tokens of forms."""

    def __init__(self, url: str) -> None:
        self.url, self.cookies = url, dict[str, str]()
        self._http = urllib3.PoolManager(retries=False, timeout=TIMEOUT_S)

    def sign_in(self, name: str, password: str) -> None:
        self._request("GET", "/accounts/sign-in/", {})
        self.post("/accounts/sign-in/", {"username": name, "password": password})

    def post(self, path: str, fields: dict[str, str]) -> str:
        """Submit a form. Returns: where the answer leads.

        Raises: RuntimeError: the answer is an error page.
        """
        token = {"csrfmiddlewaretoken": self.cookies.get("csrftoken", "")}
        return self._request("POST", path, {**fields, **token})

    def _request(self, method: str, path: str, fields: dict[str, str]) -> str:
        headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        answer = self._http.urlopen(
            method, self.url + path, body=urlencode(fields), headers=headers, redirect=False
        )
        for line in answer.headers.getlist("Set-Cookie"):
            self.cookies |= {name: each.value for name, each in SimpleCookie(line).items()}
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path} answered {answer.status}")
        return answer.headers.get("Location", path)


@contextmanager
def running(output: TextIO) -> Iterator[Tangled]:
    """Run the monolith inside the block, in a folder of its own.

    Raises: CarveoutError: its database can't be set up.
    """
    folder = Path(settings.STATE_DIR) / "tangled"
    (folder / "faults").mkdir(parents=True)
    port, mail_port = ports.next_free(8_100), ports.next_free(8_200)
    password = secrets.token_urlsafe(9)
    processes = Processes(
        {
            "DJANGO_SETTINGS_MODULE": "demo.tangled_settings",
            "PYTHONPATH": os.pathsep.join(map(str, (FOLDER, settings.BASE_DIR))),
            "PYTHONSAFEPATH": "1",  # else the carved shop's apps of the same names come first
            "DATABASE": str(folder / "db.sqlite3"),
            "EMAIL_HOST": ports.HOST,
            "EMAIL_PORT": str(mail_port),
            "FAULTS": str(folder / "faults"),
            "DJANGO_RUNSERVER_HIDE_WARNING": "true",
        },
        output,
        name_width=len("tangled mail"),
    )
    sink = ("--port", str(mail_port), "--dir", str(folder / "mail"))
    serve = ("runserver", "--noreload", f"{ports.HOST}:{port}")
    try:
        prepare = PREPARE.format(password=password)
        if processes.run("tangled", sys.executable, "-m", "django", "shell", "-c", prepare):
            raise CarveoutError("The tangled shop could not be set up.")
        processes.start("tangled mail", sys.executable, "-m", "carveout.runtime.mail_sink", *sink)
        processes.start("tangled", sys.executable, "-m", "django", *serve)
        while not ports.answers(port):
            if processes.ended():
                raise CarveoutError("The tangled shop ended.")
        yield Tangled(processes, folder, port, password)
    finally:
        processes.stop()
