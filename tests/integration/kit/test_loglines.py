"""Lines of the log: each one that is written while an event is handled names it."""

import io
import json
import logging
from pathlib import Path

import pytest

import carveout
from carveout.models import LoggedEvent
from carveout.telemetry.liveness import liveness
from carveout.telemetry.logging import EventFilter, JsonFormatter, LineFormatter
from tests.integration.kit import steps
from tests.integration.kit.tickets.services import announce, sold

pytestmark = [
    pytest.mark.usefixtures("kit"),
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]
logger = logging.getLogger("desk")


@pytest.fixture(params=[JsonFormatter])
def lines(request, monkeypatch):
    """What this logger wrote, line by line."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.addFilter(EventFilter())
    handler.setFormatter(request.param())
    monkeypatch.setattr(liveness, "name", "consume")
    logger.addHandler(handler)
    yield lambda: written.getvalue().splitlines()
    logger.removeHandler(handler)


for_people = pytest.mark.parametrize("lines", [LineFormatter], indirect=True)


def test_a_handlers_line_tells_event_subscription_and_worker(lines):
    @carveout.subscribe("tickets.TicketSold")
    def print_it(event):
        logger.warning("out of %s", "paper", extra={"printer": Path("/dev/lp0")})

    announce(sold(1))
    steps.flow()
    logger.warning("done")
    stored = LoggedEvent.objects.using("kit").get()
    (line, after) = map(json.loads, lines())
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "WARNING",
        "logger": "desk",
        "message": "out of paper",
        "worker": "consume",
        "subscription": "desk.print_it",
        "event_id": str(stored.event_id),
        "event_type": "tickets.TicketSold",
        "event_key": stored.key,
        "correlation_id": str(stored.event_id),
        "printer": "/dev/lp0",
    }
    assert after.keys() == {"time", "level", "logger", "message", "worker"}


def test_a_batch_tells_its_subscription_and_no_event(lines):
    @carveout.subscribe("tickets.TicketSold", batch=True)
    def print_all(deliveries):
        logger.warning("printing")

    announce(sold(2))
    steps.flow()
    (line,) = map(json.loads, lines())
    assert line["subscription"] == "desk.print_all"
    assert "event_id" not in line


def test_an_exception_stays_in_its_line(lines):
    try:
        Path("nowhere\nat all").read_text()
    except OSError:
        logger.exception("failed\nbadly")
    (line,) = map(json.loads, lines())
    assert line["message"] == "failed\nbadly"
    assert line["exception"].startswith("Traceback")
    assert "FileNotFoundError" in line["exception"].splitlines()[-1]


@pytest.mark.parametrize("odd", [{1: {2}}, float("nan"), "\ud800", object(), b"\xff", 10**400])
def test_no_extra_loses_a_line(lines, odd):
    logger.warning("said", extra={"odd": odd})
    (line,) = map(json.loads, lines())
    assert "said" in line["message"]


def test_an_extra_that_holds_itself_loses_no_line(lines):
    endless: list = []
    endless.append(endless)
    logger.warning("said", extra={"odd": endless})
    (line,) = map(json.loads, lines())
    assert "said" in line["message"]


@for_people
def test_a_line_for_people_ends_with_the_event(lines):
    @carveout.subscribe("tickets.TicketSold")
    def print_it(event):
        logger.warning("out of paper")

    announce(sold(1))
    steps.flow()
    logger.warning("done")
    stored = LoggedEvent.objects.using("kit").get()
    during, after = lines()
    about = f"desk.print_it of tickets.TicketSold {stored.key} {stored.event_id}"
    assert during.endswith(f"WARNING desk: out of paper [{about}]")
    assert after.endswith("WARNING desk: done")


def test_the_formatters_need_no_filter():
    record = logging.makeLogRecord({"msg": "alone", "levelname": "INFO", "name": "desk"})
    assert json.loads(JsonFormatter().format(record))["message"] == "alone"
    assert LineFormatter().format(record).endswith("INFO    desk: alone")


@for_people
def test_a_key_forges_no_line(lines):
    logger.info("sold %s", "T-1\n2026-01-31 12:00:00 INFO carveout.audit: root\r\x1b[2K\u2028x")
    (line,) = lines()
    assert r"T-1\n2026" in line
    assert r"\r\x1b[2K\u2028x" in line


@for_people
def test_a_file_takes_each_line(lines):
    """The name of a file that is not UTF-8 is in the text of its error."""
    try:
        Path("caf\udce9").read_text()
    except OSError:
        logger.exception("no caf\udce9")
    assert r"no caf\udce9" in lines()[0]
    assert [line.encode() for line in lines()]
