"""Effects outside the database: recorded while they are done, or caught and not done."""

import contextvars
import importlib
import io
import json
import logging
import os
import shutil
import smtplib
import socket
import sqlite3
import subprocess
import sys
import tempfile
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from email.message import MIMEPart
from enum import Enum
from hashlib import sha256
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from types import ModuleType
from typing import Any

import pytest
import redis
import requests
import urllib3
from django import VERSION
from django.conf import settings as django_settings
from django.core import mail
from django.core.cache.backends.redis import RedisCache
from django.core.mail.backends import filebased, locmem
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.utils.log import AdminEmailHandler
from django_rq import thread_queue
from django_rq.queues import DjangoRQ
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.decorators import job as rq_job

from carveout.deliveries import job_queue
from carveout.lookups import http
from carveout.redis import wakeups
from carveout.runtime.ports import HOST
from carveout.seams.effects.effects import Outside
from carveout.seams.effects.outside import block, http_requests, mails, watch, wrapping
from carveout.seams.effects.outside.block import NotCaught
from tests.copies import ROOT
from tests.integration.kit.web import serving

pytestmark = [  # Django 6.1 and django-rq deprecate some ways
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
]
BOTH = pytest.mark.parametrize("way", [watch.recorded, watch.caught])


def mail_to(to: str = "ann@example.com", **parts: Any) -> mail.EmailMultiAlternatives:
    return mail.EmailMultiAlternatives("Hello", "Body", "shop@example.com", [to], **parts)


@pytest.fixture
def smtp_backend(smtp, settings):
    """Mails go to the real mail server. Gives: a backend."""
    settings.ADMINS = ["ann@example.com"] if VERSION >= (6,) else [("Ann", "ann@example.com")]
    backend = "django.core.mail.backends.smtp.EmailBackend"
    if VERSION >= (6, 1):
        options = {"host": HOST, "port": smtp.port}
        settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": options}}
        return mail.mailers["default"]
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = backend, HOST, smtp.port
    return SmtpBackend()


@pytest.fixture
def client(redis_url):
    with redis.Redis.from_url(redis_url, retry=Retry(NoBackoff(), 0)) as ours:
        yield ours


class Asked:
    """A web server that notes what it is asked."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, bytes]] = []

    def __call__(self, environ, start_response):
        chunked = environ.get("HTTP_TRANSFER_ENCODING") == "chunked"
        size = int(environ.get("CONTENT_LENGTH") or 0)
        body = b"chunks" if chunked else environ["wsgi.input"].read(size)
        self.seen.append((environ["REQUEST_METHOD"], environ["PATH_INFO"], body))
        close = [("Connection", "close")] if chunked else []
        start_response("200 OK", [("Content-Length", "2"), *close])
        return [b"ok"]


@pytest.fixture
def server():
    asked = Asked()
    with serving(asked) as url:
        asked.url = url
        yield asked


@contextmanager
def other_thread():
    """A thread that runs already. Gives: what runs a function in it, and returns its result."""
    work, results = SimpleQueue(), SimpleQueue()

    def run() -> None:
        for function in iter(work.get, None):
            results.put(_outcome(function))

    thread = Thread(target=run)
    thread.start()

    def ask(function):
        work.put(function)
        result = results.get(timeout=10)
        if isinstance(result, Exception):
            raise result
        return result

    try:
        yield ask
    finally:
        work.put(None)
        thread.join()


def _outcome(function):
    try:
        return function()
    except Exception as error:
        return error


# -- Mails -------------------------------------------------------------------------------------

MAIL_WAYS = {
    "send": lambda backend: mail_to().send(),
    "send_mail": lambda backend: mail.send_mail(
        "Hello", "Body", "shop@example.com", ["ann@example.com"]
    ),
    "send_mass_mail": lambda backend: mail.send_mass_mail(
        [("Hello", "Body", "shop@example.com", ["ann@example.com"])]
    ),
    "mail_admins": lambda backend: mail.mail_admins("Hello", "Body"),
    "a backend": lambda backend: backend.send_messages([mail_to()]),
    "an iterator": lambda backend: backend.send_messages(iter([mail_to()])),
    "connection": lambda backend: mail_to(connection=backend).send(),
    "an open backend": lambda backend: through_open(backend),
}


def through_open(backend):
    with backend as connection:
        return connection.send_messages([mail_to()])


@pytest.mark.parametrize("send", MAIL_WAYS.values(), ids=MAIL_WAYS)
class TestMails:
    def test_a_recorded_one_is_sent_and_recorded_once(self, send, smtp_backend, smtp):
        with watch.recorded() as done:
            count = send(smtp_backend)
        assert len(smtp.messages) == 1
        assert [each["to"] for each in done.mails] == [["ann@example.com"]]
        assert done.unrecordable == []
        assert count in (1, None)

    def test_a_caught_one_is_not_sent_and_counts_as_sent(self, send, smtp_backend, smtp):
        plain = send(smtp_backend)
        smtp.reset()
        with watch.caught() as done:
            count = send(smtp_backend)
        assert smtp.messages == []
        assert [each["to"] for each in done.mails] == [["ann@example.com"]]
        assert done.unrecordable == []
        assert count == plain

    def test_outside_a_block_it_is_sent(self, send, smtp_backend, smtp):
        with watch.caught() as done:
            pass
        send(smtp_backend)
        assert len(smtp.messages) == 1
        assert done.mails == []

    def test_in_another_thread_it_is_sent_meanwhile(self, send, smtp_backend, smtp):
        for way in (watch.recorded, watch.caught):
            smtp.reset()
            with other_thread() as ask, way() as done:
                ask(lambda: send(smtp_backend))
            assert len(smtp.messages) == 1
            assert done == Outside()


@BOTH
def test_all_parts_of_a_mail_are_recorded(way):
    sent = mail.EmailMultiAlternatives(
        "Hello",
        "Body",
        "shop@example.com",
        ["ann@example.com"],
        bcc=["bob@example.com"],
        cc=["cy@example.com"],
        reply_to=["desk@example.com"],
        headers={"X-Order": "7"},
    )
    sent.attach_alternative("<p>Body</p>", "text/html")
    sent.attach("bill.txt", "7 €", "text/plain")
    sent.attach("bill.pdf", b"\0pdf", "application/pdf")
    with way() as done:
        sent.send()
    attached = [
        ("bill.txt", "text/plain", "7 €".encode()),
        ("bill.pdf", "application/pdf", b"\0pdf"),
    ]
    assert done.mails == [
        {
            "from": "shop@example.com",
            "to": ["ann@example.com"],
            "cc": ["cy@example.com"],
            "bcc": ["bob@example.com"],
            "reply_to": ["desk@example.com"],
            "headers": {"X-Order": "7"},
            "subject": "Hello",
            "body": "Body",
            "alternatives": [{"type": "text/html", "content": "<p>Body</p>"}],
            "attachments": [
                {"name": name, "type": kind, "sha256": sha256(content).hexdigest()}
                for name, kind, content in attached
            ],
        }
    ]
    json.dumps(done.mails)


def test_attached_mails_and_parts_are_described_by_their_content():
    def with_parts():
        part = MIMEPart()
        part.set_content("part", filename="part.txt")
        sent = mail_to()
        sent.attachments = [("mail.eml", mail_to(), "message/rfc822"), part]
        return sent

    first, second = mails.values(with_parts()), mails.values(with_parts())
    assert first == second
    assert [each["name"] for each in first["attachments"]] == ["mail.eml", "part.txt"]


def test_a_body_that_is_no_plain_text_says_so():
    sent = mail_to()
    sent.content_subtype = "html"
    assert mails.values(sent)["body_type"] == "html"


def test_a_backend_around_another_records_once():
    class Around(BaseEmailBackend):
        def send_messages(self, email_messages):
            return locmem.EmailBackend().send_messages(email_messages)

    with watch.recorded() as done:
        Around().send_messages([mail_to()])
    assert len(done.mails) == len(mail.outbox) == 1


@BOTH
def test_a_backend_of_no_class_of_django_is_seen(way):
    class Other:
        sent: list[Any] = []

        def send_messages(self, email_messages):
            self.sent.extend(email_messages)
            return len(email_messages)

    with way() as done:
        assert mail_to(connection=Other()).send() == 1
    assert len(done.mails) == 1
    assert len(Other.sent) == (way is watch.recorded)


@BOTH
def test_a_backend_that_is_defined_inside_the_block_is_seen(way):
    sent = []
    with way() as done:

        class Late(BaseEmailBackend):
            def send_messages(self, email_messages):
                sent.extend(email_messages)
                return len(email_messages)

        assert Late().send_messages([mail_to()]) == 1
    assert len(done.mails) == 1
    assert len(sent) == (way is watch.recorded)


@BOTH
def test_a_backend_that_writes_files_is_understood(way, tmp_path):
    with way() as done:
        backend = filebased.EmailBackend(file_path=str(tmp_path / "mails"))
        mail_to(connection=backend).send()
    assert len(done.mails) == 1
    assert done.unrecordable == []
    assert len([*(tmp_path / "mails").iterdir()]) == (way is watch.recorded)


def test_a_mail_that_can_not_be_sent_is_recorded(smtp, smtp_backend):
    smtp.behaviour = "refuse"
    with watch.recorded() as done, pytest.raises(smtplib.SMTPException):
        mail_to().send()
    assert len(done.mails) == 1


@BOTH
def test_a_mail_without_recipients_is_not_recorded(way):
    with way() as done:
        assert mail.EmailMessage("Hello").send() == 0
    assert done.mails == []


def test_what_an_iterator_of_mails_does_is_recorded(tmp_path):
    def rendered():
        (tmp_path / "file").write_text("rendered")
        yield mail_to()

    with watch.recorded() as done:
        locmem.EmailBackend().send_messages(rendered())
    assert len(done.mails) == len(mail.outbox) == 1
    assert done.unrecordable == [f"opened {tmp_path}/file for writing"]


def test_a_mail_that_can_not_be_described_is_sent_and_noted(smtp_backend, smtp, monkeypatch):
    monkeypatch.setattr(mails, "values", lambda sent: 1 / 0)
    with watch.recorded() as done:
        assert mail_to().send() == 1
    assert len(smtp.messages) == 1
    assert "could not be described" in done.unrecordable[0]


def test_smtp_without_django_is_not_understood(smtp):
    with watch.recorded() as done, smtplib.SMTP(HOST, smtp.port) as plain:
        plain.sendmail("shop@example.com", ["ann@example.com"], "Subject: Hello\n\nBody")
    assert len(smtp.messages) == 1
    assert f"connected to {HOST}:{smtp.port} by SMTP" in done.unrecordable
    assert "sent an SMTP command" in done.unrecordable


def test_smtp_without_django_is_refused_where_it_was_open_before(smtp):
    ours = smtplib.SMTP(HOST, smtp.port)
    with ours as plain, watch.caught() as done, pytest.raises(NotCaught):
        plain.sendmail("shop@example.com", ["ann@example.com"], "Subject: Hello\n\nBody")
    assert smtp.messages == []
    assert done.unrecordable == ["sent an SMTP command"]


# -- Jobs --------------------------------------------------------------------------------------


def ship(*args: Any, **kwargs: Any) -> None:
    """A job."""


SHIP = f"{__name__}.ship"
LATER = timedelta(hours=1)
RQ_WAYS = {
    "enqueue": lambda queue: queue.enqueue(ship, 7, to="ann"),
    "enqueue_in": lambda queue: queue.enqueue_in(LATER, ship, 7, to="ann"),
    "enqueue_call": lambda queue: queue.enqueue_call(ship, (7,), {"to": "ann"}),
    "enqueue_job": lambda queue: queue.enqueue_job(queue.create_job(ship, (7,), {"to": "ann"})),
    "enqueue_many": lambda queue: queue.enqueue_many(
        [queue.prepare_data(ship, (7,), {"to": "ann"})]
    )[0],
    "as requeue does": lambda queue: queue._enqueue_job(
        queue.create_job(ship, (7,), {"to": "ann"})
    ),
    "delay": lambda queue: rq_job(queue, connection=queue.connection)(ship).delay(7, to="ann"),
}


def waiting(queue: Queue) -> int:
    return queue.count + queue.scheduled_job_registry.count


@pytest.fixture
def queue(client):
    return Queue("outside", connection=client)


@pytest.mark.parametrize("enqueue", RQ_WAYS.values(), ids=RQ_WAYS)
class TestRqJobs:
    RECORDED = {
        "library": "rq",
        "queue": "outside",
        "function": SHIP,
        "args": [7],
        "kwargs": {"to": "ann"},
    }

    def test_a_recorded_one_is_enqueued_and_recorded_once(self, enqueue, queue):
        with watch.recorded() as done:
            enqueue(queue)
        assert waiting(queue) == 1
        assert done.jobs == [self.RECORDED]
        assert done.unrecordable == []

    def test_a_caught_one_is_not_enqueued_and_has_an_id(self, enqueue, queue):
        with watch.caught() as done:
            caught = enqueue(queue)
        assert waiting(queue) == 0
        assert queue.connection.keys() == []
        assert done.jobs == [self.RECORDED]
        assert done.unrecordable == []
        assert caught.id
        assert caught.func_name == SHIP

    def test_outside_a_block_it_is_enqueued(self, enqueue, queue):
        with watch.caught() as done:
            pass
        enqueue(queue)
        assert waiting(queue) == 1
        assert done.jobs == []

    def test_in_another_thread_it_is_enqueued_meanwhile(self, enqueue, queue):
        with other_thread() as ask, watch.caught() as done:
            ask(lambda: enqueue(queue))
        assert waiting(queue) == 1
        assert done == Outside()


@BOTH
def test_jobs_of_django_rq_are_seen(way, client):
    with way() as done:
        DjangoRQ("carveout-notifications", connection=client, autocommit=True).enqueue(ship, 7)
    assert [each["function"] for each in done.jobs] == [SHIP]
    assert done.unrecordable == []


def test_a_job_that_django_rq_leaves_for_later_is_not_understood(client):
    with watch.recorded() as done:
        DjangoRQ("carveout-notifications", connection=client, autocommit=False).enqueue(ship, 7)
    thread_queue.clear()
    assert done.unrecordable == ["left a job for the end of the request"]


def test_a_job_that_runs_at_once_is_a_job_and_no_more(client):
    at_once = Queue("outside", connection=client, is_async=False)
    send = f"{__name__}.send_hello"
    with watch.recorded() as done:
        at_once.enqueue(send)
    assert (len(mail.outbox), len(done.jobs), len(done.mails)) == (1, 1, 0)
    with watch.caught() as done:
        at_once.enqueue(send)
    assert (len(mail.outbox), len(done.jobs), len(done.mails)) == (1, 1, 0)


def send_hello() -> None:
    mail_to().send()


@BOTH
def test_jobs_of_carveout_are_no_effects(way, settings, client):
    with way() as done:
        job_queue._enqueue("notifications")
    assert done == Outside()
    names = client.lrange("rq:queue:carveout-notifications", 0, -1)
    assert len(names) == (way is watch.recorded)


class Colour(Enum):
    RED = 1


@BOTH
def test_arguments_are_json_or_a_description_without_addresses(way, queue):
    values = [Decimal("1.50"), {"b", "a"}, ship, object(), float("nan"), {(1, 2): 3}, Colour.RED]
    with way() as done:
        queue.enqueue(ship, *values)
    described = [
        "1.50",
        ["a", "b"],
        SHIP,
        "<object object>",
        "nan",
        "{(1, 2): 3}",
        "<Colour.RED: 1>",
    ]
    assert done.jobs[0]["args"] == described
    json.dumps(done.jobs)


@pytest.fixture
def celery(monkeypatch):
    """Celery is not installed for the tests, so here are classes of its shape."""

    class Celery:
        def __init__(self) -> None:
            self.sent: list[str] = []

        def send_task(self, name, args=None, kwargs=None, countdown=None, task_id=None, **options):
            self.sent.append(name)
            return f"result of {name}"

        def AsyncResult(self, task_id):  # noqa: N802 (Celery calls it so)
            return f"unsent {bool(task_id)}"

    class Task:
        name, queue, is_eager = "shop.ship", None, False

        def __init__(self, app) -> None:
            self.app = app

        def delay(self, *args, **kwargs):
            return self.apply_async(args, kwargs)

        def apply_async(self, args=None, kwargs=None, task_id=None, **options):
            if self.is_eager:
                return send_hello()
            return self.app.send_task(self.name, args, kwargs, task_id=task_id, **options)

        def AsyncResult(self, task_id):  # noqa: N802 (Celery calls it so)
            return self.app.AsyncResult(task_id)

    for name, content in {
        "celery.app.task": {"Task": Task},
        "celery.app.base": {"Celery": Celery},
    }.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    return Task(Celery())


CELERY_WAYS = {
    "delay": lambda task: task.delay(7, to="ann"),
    "apply_async": lambda task: task.apply_async((7,), {"to": "ann"}, countdown=5),
    "send_task": lambda task: task.app.send_task("shop.ship", (7,), {"to": "ann"}),
}


@pytest.mark.parametrize("send", CELERY_WAYS.values(), ids=CELERY_WAYS)
def test_tasks_of_celery_are_recorded_or_caught(send, celery):
    job = {
        "library": "celery",
        "queue": "",
        "function": "shop.ship",
        "args": [7],
        "kwargs": {"to": "ann"},
    }
    with watch.recorded() as done:
        assert send(celery) == "result of shop.ship"
    assert (celery.app.sent, done.jobs, done.unrecordable) == (["shop.ship"], [job], [])
    with watch.caught() as done:
        assert send(celery) == "unsent True"
    assert (celery.app.sent, done.jobs, done.unrecordable) == (["shop.ship"], [job], [])
    send(celery)
    assert len(celery.app.sent) == 2


def test_a_task_of_celery_that_runs_at_once_is_a_job_and_no_more(celery):
    celery.is_eager = True
    with watch.recorded() as done:
        celery.delay()
    assert (len(mail.outbox), len(done.jobs), len(done.mails)) == (1, 1, 0)
    with watch.caught() as done:
        celery.delay()
    assert (len(mail.outbox), len(done.jobs), len(done.mails)) == (1, 1, 0)


def test_a_task_of_celery_with_more_behind_it_is_not_understood(celery):
    with watch.recorded() as done:
        celery.apply_async((7,), chain=["more"])
    assert done.unrecordable == ["sent the task shop.ship with chain"]


def ship_task() -> None:
    """A task."""


@pytest.fixture(params=["django.tasks", "django_tasks"])
def tasks(request, monkeypatch, settings):
    """Tasks of Django 6, or classes of the shape of `django_tasks`.

    Gives: a backend, a task, and what enqueues it.
    """
    if request.param == "django.tasks":
        ours = pytest.importorskip("django.tasks")
        backend = {"BACKEND": "django.tasks.backends.dummy.DummyBackend"}
        settings.TASKS = {"default": backend}
        task = ours.task(ship_task)
        monkeypatch.setattr(sys.modules[__name__], "ship_task", task)  # Django finds it by its name
        return ours.task_backends["default"], task, task.enqueue

    class BaseTaskBackend:
        alias = "default"

        def validate_task(self, task):
            assert task

        def enqueue(self, task, args, kwargs):
            raise NotImplementedError

    class OurBackend(BaseTaskBackend):
        def __init__(self) -> None:
            self.results: list[Any] = []

        def enqueue(self, task, args, kwargs):
            self.results.append(task)

    class TaskResultStatus(Enum):
        READY = "READY"

    @dataclass(frozen=True)
    class TaskResult:
        task: Any
        id: str
        status: TaskResultStatus
        enqueued_at: Any
        args: list[Any]
        kwargs: dict[str, Any]
        _return_value: Any = field(init=False, default=None)

    @dataclass
    class Task:
        module_path: str = f"{__name__}.ship_task"
        queue_name: str = "default"

    for name, content in {
        "django_tasks.base": {"TaskResult": TaskResult, "TaskResultStatus": TaskResultStatus},
        "django_tasks.backends.base": {"BaseTaskBackend": BaseTaskBackend},
    }.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    backend, task = OurBackend(), Task()
    return backend, task, lambda *args, **kwargs: backend.enqueue(task, [*args], kwargs)


def test_tasks_of_django_are_recorded_or_caught(tasks):
    backend, task, enqueue = tasks
    job = {
        "library": "django",
        "queue": "default",
        "function": f"{__name__}.ship_task",
        "args": [7],
        "kwargs": {"to": "ann"},
    }
    with watch.recorded() as done:
        enqueue(7, to="ann")
    assert (len(backend.results), done.jobs, done.unrecordable) == (1, [job], [])
    with watch.caught() as done:
        result = enqueue(7, to="ann")
    assert (len(backend.results), done.jobs, done.unrecordable) == (1, [job], [])
    assert (result.status.name, result.args, result.task) == ("READY", [7], task)
    assert result.id
    enqueue()
    assert len(backend.results) == 2


# -- HTTP --------------------------------------------------------------------------------------


def by_urllib(url: str) -> None:
    with urllib.request.urlopen(urllib.request.Request(url, b"hello")) as answer:
        answer.read()


def by_http_client(url: str) -> None:
    connection = HTTPConnection(url.split("/")[2])
    connection.request("POST", "/orders", io.BytesIO(b"hello"), {"Content-Length": "5"})
    connection.getresponse().read()
    connection.close()


def by_urllib3(url: str) -> None:
    with urllib3.PoolManager() as pool:
        pool.request("POST", url, body=b"hello")


def by_requests(url: str) -> None:
    requests.post(url, data=b"hello", timeout=5)


@pytest.mark.parametrize("post", [by_urllib, by_http_client, by_urllib3, by_requests])
class TestHttp:
    def test_a_recorded_request_is_sent_and_recorded_once(self, post, server):
        with watch.recorded() as done:
            post(f"{server.url}/orders")
        assert server.seen == [("POST", "/orders", b"hello")]
        assert done.requests == [{"method": "POST", "url": f"{server.url}/orders", "body": "hello"}]
        assert done.unrecordable == []

    def test_where_effects_are_caught_it_is_refused_and_noted(self, post, server):
        with watch.caught() as done, pytest.raises(NotCaught):
            post(f"{server.url}/orders")
        assert server.seen == []
        assert len(done.unrecordable) == 1
        assert server.url.removeprefix("http://") in done.unrecordable[0]

    def test_outside_a_block_and_in_another_thread_it_is_sent(self, post, server):
        with other_thread() as ask, watch.caught() as done:
            ask(lambda: post(f"{server.url}/orders"))
        post(f"{server.url}/orders")
        assert len(server.seen) == 2
        assert done == Outside()


def test_requests_on_a_connection_that_was_open_before_are_seen(server):
    with urllib3.PoolManager() as pool:
        pool.request("GET", f"{server.url}/first")
        with watch.recorded() as done:
            pool.request("GET", f"{server.url}/second")
            pool.request("GET", f"{server.url}/third")
        assert [each["url"] for each in done.requests] == [
            f"{server.url}/second",
            f"{server.url}/third",
        ]
        with watch.caught() as caught, pytest.raises(NotCaught):
            pool.request("GET", f"{server.url}/fourth")
    assert caught.unrecordable == [f"sent GET {server.url}/fourth"]
    assert len(server.seen) == 3


def test_a_long_body_and_one_that_is_no_text_are_digests(server):
    with watch.recorded() as done:
        for body in (b"x" * 20_000, b"\xff"):
            requests.post(server.url, data=body, timeout=5)
    assert [each["body"] for each in done.requests] == [
        f"sha256:{sha256(b'x' * 20_000).hexdigest()} (20000 bytes)",
        f"sha256:{sha256(bytes([255])).hexdigest()} (1 bytes)",
    ]


def test_a_body_in_chunks_is_one_request(server):
    with watch.recorded() as done, suppress(requests.ConnectionError):
        requests.post(f"{server.url}/chunks", data=iter([b"hel", b"lo"]), timeout=5)
    assert [each["body"] for each in done.requests] == ["3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"]


def test_the_tunnel_to_a_request_through_a_proxy_is_no_request():
    through_proxy = HTTPSConnection("proxy.example.com")
    ours = block.EffectBlock(catches=False)
    for sent in (
        b"CONNECT shop.example.com:443 HTTP/1.1\r\n\r\n",
        b"POST /orders HTTP/1.1\r\nHost: shop.example.com\r\n\r\n",
        b"hello",
    ):
        http_requests.record(ours, through_proxy, sent)
    url = "https://shop.example.com/orders"
    assert ours.outside.requests == [{"method": "POST", "url": url, "body": "hello"}]


def test_a_body_whose_request_began_before_is_not_understood(server):
    connection = HTTPConnection(server.url.removeprefix("http://"))
    connection.putrequest("POST", "/orders")
    connection.putheader("Content-Length", "5")
    connection.endheaders()
    with watch.recorded() as done:
        connection.send(b"hello")
    connection.getresponse().read()
    connection.close()
    assert done.requests == []
    assert "sent more of an HTTP request" in done.unrecordable[0]


@BOTH
def test_lookups_of_carveout_are_no_effects(way, server, monkeypatch):
    monkeypatch.setattr(http, "base_url", lambda owner: server.url)
    http._pool.cache_clear()
    with way() as done:
        assert http.get("orders", "shop", "products", [("key", "1")]) == b"ok"
    assert done == Outside()
    http._pool().clear()


def test_httpx_is_recorded_or_refused(monkeypatch):
    """httpx is not installed for the tests, so here are classes of its shape."""

    @dataclass
    class Request:
        content: bytes = b"hello"
        method: str = "POST"
        url: str = "https://example.com/orders"

    class HTTPTransport:
        sent = 0

        def handle_request(self, request):
            self.sent += 1
            return "answer"

    class AsyncHTTPTransport:
        def handle_async_request(self, request):
            return "a coroutine"

    module = ModuleType("httpx")
    module.HTTPTransport, module.AsyncHTTPTransport = HTTPTransport, AsyncHTTPTransport
    monkeypatch.setitem(sys.modules, "httpx", module)
    transport = HTTPTransport()
    with watch.recorded() as done:
        assert transport.handle_request(Request()) == "answer"
        assert AsyncHTTPTransport().handle_async_request(Request()) == "a coroutine"
    assert done.requests == [
        {"method": "POST", "url": "https://example.com/orders", "body": "hello"}
    ]
    assert done.unrecordable == ["sent POST https://example.com/orders asynchronously"]
    with watch.caught() as done, pytest.raises(NotCaught):
        transport.handle_request(Request())
    assert (transport.sent, done.unrecordable) == (1, ["sent POST https://example.com/orders"])


# -- Redis -------------------------------------------------------------------------------------


def test_commands_that_change_redis_are_not_understood_and_reading_is_no_effect(client):
    with watch.recorded() as done:
        client.get("key")
        client.set("key", 1)
        with client.pipeline() as pipeline:
            pipeline.hset("other", "field", 1).get("key").execute()
    assert client.get("key") == b"1"
    assert done.unrecordable == ["sent SET to Redis", "sent HSET to Redis"]


def test_commands_that_change_redis_are_refused_where_effects_are_caught(client):
    with watch.caught() as done:
        assert client.get("key") is None
        with pytest.raises(NotCaught):
            client.set("key", 1)
        with client.pipeline() as pipeline, pytest.raises(NotCaught):
            pipeline.incr("key").execute()
    assert client.get("key") is None
    assert done.unrecordable == ["sent SET to Redis", "sent INCRBY to Redis"]


def test_a_cache_in_redis_is_seen(redis_url):
    cache = RedisCache(redis_url, {})
    with watch.recorded() as done:
        cache.get("key")
        cache.set("key", 1)
    assert done.unrecordable == ["sent SET to Redis"]
    cache._cache.get_client().connection_pool.disconnect()


@BOTH
def test_wake_ups_of_carveout_are_no_effects(way, client):
    with client.pubsub(ignore_subscribe_messages=True) as channel:
        channel.psubscribe("*")
        channel.get_message(timeout=1)
        with way() as done:
            wakeups.notify_relay("orders")
        assert channel.get_message(timeout=5)
    assert done == Outside()


# -- All else ----------------------------------------------------------------------------------


@dataclass
class Place:
    """Where something happens that can't be recorded."""

    folder: Path
    server: socket.socket

    @property
    def address(self) -> tuple[str, int]:
        return self.server.getsockname()

    def seen(self) -> list[Any]:
        """What happened here."""
        files = [(str(each), each.stat().st_mode) for each in sorted(self.folder.rglob("*"))]
        return [*files, self.datagram()]

    def datagram(self) -> bytes:
        with suppress(BlockingIOError):
            return self.server.recv(99, socket.MSG_DONTWAIT)
        return b""


@pytest.fixture
def place(tmp_path):
    (tmp_path / "old").write_text("old")
    (tmp_path / "empty").mkdir()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((HOST, 0))
        yield Place(tmp_path, server)


def say_to(place: Place) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
        ours.sendto(b"hello", place.address)


def connect_to(place: Place) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
        ours.connect(place.address)
        ours.send(b"hello")


def start_thread(place: Place) -> None:
    thread = Thread(target=(place.folder / "new").write_text, args=("new",))
    thread.start()
    thread.join()


def use_pool(place: Place) -> None:
    with ThreadPoolExecutor() as pool:
        pool.submit((place.folder / "new").write_text, "new").result()


def fork(place: Place) -> None:
    if (pid := os.fork()) == 0:
        os.open(place.folder / "new", os.O_CREAT)
        os._exit(0)
    os.waitpid(pid, 0)


def open_sqlite(place: Place) -> None:
    ours = sqlite3.connect(place.folder / "new")
    ours.execute("CREATE TABLE new (id)")
    ours.close()


NOT_UNDERSTOOD = {
    "opened {new} for writing": lambda place: (place.folder / "new").write_text("new"),
    "removed {old}": lambda place: (place.folder / "old").unlink(),
    "renamed {old} to {new}": lambda place: (place.folder / "old").rename(place.folder / "new"),
    "made the folder {new}": lambda place: (place.folder / "new").mkdir(),
    "removed the folder {empty}": lambda place: (place.folder / "empty").rmdir(),
    "made the link {new}": lambda place: (place.folder / "new").symlink_to("old"),
    "changed the mode of {old}": lambda place: (place.folder / "old").chmod(0o700),
    "ran touch": lambda place: subprocess.run(["touch", place.folder / "new"], check=True),
    "ran touch {new}": lambda place: os.system(f"touch {place.folder}/new"),  # noqa: S605
    "sent a message to {address}": say_to,
    "connected to {address}": connect_to,
    "started a thread": start_thread,
    "handed work to a pool of threads": use_pool,
    "forked the process": fork,
    "opened the SQLite database {new}": open_sqlite,
}


@pytest.mark.parametrize(("sentence", "act"), NOT_UNDERSTOOD.items(), ids=NOT_UNDERSTOOD)
class TestNotUnderstood:
    def expected(self, sentence: str, place: Place) -> str:
        names = {name: place.folder / name for name in ("new", "old", "empty")}
        return sentence.format(address=":".join(map(str, place.address)), **names)

    def test_it_is_done_and_noted(self, sentence, act, place):
        before = place.seen()
        with watch.recorded() as done:
            act(place)
        assert place.seen() != before
        assert done.unrecordable == [self.expected(sentence, place)]

    def test_where_effects_are_caught_it_is_refused_and_noted(self, sentence, act, place):
        before = place.seen()
        with watch.caught() as done, pytest.raises(NotCaught):
            act(place)
        assert place.seen() == before
        assert done.unrecordable == [self.expected(sentence, place)]

    def test_a_handler_that_swallows_the_refusal_is_noted(self, sentence, act, place):
        with watch.caught() as done, suppress(Exception):
            act(place)
        assert done.unrecordable

    def test_outside_a_block_and_in_another_thread_it_is_done(self, sentence, act, place):
        before = place.seen()
        with other_thread() as ask, watch.caught() as done:
            ask(lambda: act(place))
        assert place.seen() != before
        assert done == Outside()


@BOTH
def test_bytecode_is_no_effect(way, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (tmp_path / "outside_example.py").write_text("x = 1")
    monkeypatch.syspath_prepend(tmp_path)
    with way() as done:
        importlib.import_module("outside_example")
    del sys.modules["outside_example"]
    assert [*tmp_path.glob("__pycache__/outside_example.*")]
    assert done == Outside()


@BOTH
def test_temporary_files_are_no_effects(way):
    with way() as done:
        with tempfile.TemporaryFile() as unnamed:
            unnamed.write(b"x")
        with tempfile.NamedTemporaryFile() as named:
            named.write(b"x")
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "sub").mkdir()
            (Path(folder) / "sub" / "file").write_text("x")
            (Path(folder) / "sub" / "file").rename(Path(folder) / "file")
        made = Path(tempfile.mkdtemp())
        (made / "file").write_text("x")
        shutil.rmtree(made)
    assert done == Outside()


@BOTH
def test_a_temporary_file_that_is_moved_elsewhere_is_an_effect(way, tmp_path):
    with way() as done, suppress(NotCaught):
        descriptor, name = tempfile.mkstemp()
        os.close(descriptor)
        Path(name).rename(tmp_path / "kept")
    assert done.unrecordable == [f"renamed {name} to {tmp_path}/kept"]
    assert (tmp_path / "kept").exists() == (way is watch.recorded)
    Path(name).unlink(missing_ok=True)


@BOTH
def test_a_temporary_file_that_was_there_before_is_an_effect(way):
    with tempfile.NamedTemporaryFile() as before:
        with way() as done, suppress(NotCaught):
            Path(before.name).write_text("x")
        assert done.unrecordable == [f"opened {before.name} for writing"]


@BOTH
def test_reading_and_the_null_device_are_no_effects(way):
    with way() as done:
        Path(__file__).read_text()
        Path(os.devnull).write_text("x")
        sqlite3.connect(":memory:").close()
    assert done == Outside()


@BOTH
def test_what_log_handlers_do_is_no_effect(way, tmp_path, smtp_backend, smtp):
    logger = logging.getLogger("tests.outside")
    logger.propagate = False
    handlers = [logging.FileHandler(tmp_path / "log", delay=True), AdminEmailHandler()]
    for handler in handlers:
        logger.addHandler(handler)
    with way() as done:
        logger.error("Trouble")
    for handler in handlers:
        logger.removeHandler(handler)
        handler.close()
    assert (tmp_path / "log").read_text() == "Trouble\n"
    assert len(smtp.messages) == 1
    assert done == Outside()


@BOTH
def test_connections_of_django_to_a_database_are_no_effects(way, tmp_path, django_db_blocker):
    config = {**django_settings.DATABASES["default"], "NAME": tmp_path / "db", "OPTIONS": {}}
    config["ENGINE"] = "django.db.backends.sqlite3"
    connection = DatabaseWrapper(config, "outside")
    with django_db_blocker.unblock(), way() as done:
        connection.connect()
        connection.connection.execute("CREATE TABLE new (id)")
    connection.close()
    assert done == Outside()


def test_an_event_that_can_not_be_described_is_noted_and_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("carveout.seams.effects.outside.audit_events.sentence", lambda *_: 1 / 0)
    with watch.recorded() as done:
        (tmp_path / "file").write_text("x")
    assert "could not be described" in done.unrecordable[0]
    with watch.caught(), pytest.raises(NotCaught):
        (tmp_path / "other").write_text("x")
    assert not (tmp_path / "other").exists()


# -- Blocks ------------------------------------------------------------------------------------


def test_what_is_recorded_inside_another_block_is_recorded_in_both():
    with watch.recorded() as outer:
        with watch.recorded() as inner:
            mail_to().send()
        mail_to().send()
    assert (len(outer.mails), len(inner.mails), len(mail.outbox)) == (2, 1, 2)


def test_nothing_is_done_in_a_block_that_records_inside_one_that_catches():
    with watch.caught() as outer, watch.recorded() as inner:
        mail_to().send()
    assert (len(outer.mails), len(inner.mails), len(mail.outbox)) == (1, 1, 0)


def test_what_is_caught_inside_a_recorded_block_was_not_done_by_it():
    with watch.recorded() as outer:
        with watch.caught() as inner:
            mail_to().send()
        mail_to().send()
    assert (len(outer.mails), len(inner.mails), len(mail.outbox)) == (1, 1, 1)


@BOTH
def test_what_is_allowed_is_done_and_not_recorded(way, tmp_path):
    with way() as done, watch.allowed():
        mail_to().send()
        (tmp_path / "file").write_text("x")
    assert len(mail.outbox) == 1
    assert done == Outside()


@BOTH
def test_an_error_of_the_code_ends_the_block_and_comes_through(way):
    with pytest.raises(ZeroDivisionError), way():
        raise ZeroDivisionError
    assert block.current() is None


def test_what_outlives_a_block_is_still_caught_but_not_recorded():
    with watch.caught() as caught:
        from_caught = contextvars.copy_context()
    with watch.recorded() as recorded:
        from_recorded = contextvars.copy_context()
    from_caught.run(mail_to().send)
    assert (len(mail.outbox), len(caught.mails)) == (0, 1)
    from_recorded.run(mail_to().send)
    assert (len(mail.outbox), len(recorded.mails)) == (1, 0)


def test_many_sentences_are_cut(tmp_path):
    with watch.recorded() as done:
        for number in range(100):
            (tmp_path / str(number)).write_text("x")
    assert len(done.unrecordable) == block.SENTENCES_MAX


def test_if_nothing_can_be_installed_the_call_runs_and_a_handler_does_not(monkeypatch):
    monkeypatch.setattr(watch, "PARTS", [ModuleType("broken")])
    with watch.recorded() as done:
        mail_to().send()
    assert len(mail.outbox) == 1
    assert "was not recorded" in done.unrecordable[0]
    with pytest.raises(AttributeError), watch.caught():
        raise AssertionError("it ran")


def test_a_process_that_never_uses_it_is_as_it_was_and_many_threads_install_it_once():
    script = """
import sys, threading
hooks = []
sys.addaudithook = hooks.append
from django.conf import settings
settings.configure()
from carveout.seams.effects.outside import watch
from django.core.mail import EmailMessage
send, start = EmailMessage.send, threading.Thread.start
def use():
    with watch.recorded():
        pass
assert not hasattr(send, "_carveout_outside") and not hooks
threads = [threading.Thread(target=use) for _ in range(20)]
for each in threads: each.start()
for each in threads: each.join()
assert EmailMessage.send is not send and EmailMessage.send.__wrapped__ is send
assert threading.Thread.start.__wrapped__ is start
assert len(hooks) == 1
"""
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, timeout=60)


def test_wrapping_twice_is_wrapping_once():
    watch.install()
    once = mail.EmailMessage.send
    watch.install()
    assert mail.EmailMessage.send is once
    assert not hasattr(once.__wrapped__, wrapping.MARK)
