"""The mistakes that are made most: each message says what happened, to what, and the fix.

`docs/reference/errors.md` lists these messages; what differs from project to project is `…` there.
"""

import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

import carveout
from carveout import checks
from carveout.conf import loading
from carveout.contracts import system_check
from carveout.errors import LookupRefused, NotMigrated, SettingsInvalid
from tests.copies import ROOT
from tests.integration.kit.conftest import connected
from tests.integration.kit.desk.lookups import TicketToShow
from tests.integration.kit.tickets.events import TicketMoved, TicketSold
from tests.integration.kit.tickets.models import Ticket
from tests.integration.kit.tickets.services import sell
from tests.integration.kit.web import the_contexts

pytestmark = pytest.mark.usefixtures("kit")
one_engine = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
HERE = "tests/integration/kit"
PAGE = ROOT / "docs/reference/errors.md"


def listed() -> list[re.Pattern[str]]:
    """The messages of the page's table, as patterns."""
    section = PAGE.read_text().partition("## The ten most likely mistakes\n")[2]
    rows = [line.split(" | ") for line in section.partition("\n## ")[0].splitlines()]
    messages = [row[1].removesuffix("|").strip() for row in rows if len(row) == 2]
    return [re.compile(".*?".join(map(re.escape, each.split("…")))) for each in messages[1:]]


def said(text: str, *expected: str) -> None:
    """Each sentence is said, and the first of them is on the page."""
    for each in expected:
        assert each in text
    assert any(pattern.fullmatch(expected[0]) for pattern in listed()), expected[0]


def checked(code: str, check=system_check.check_declarations) -> str:
    """What `manage.py check` prints with this id."""
    return "\n".join(str(each) for each in check() if each.id == code)


@one_engine
class TestTheAppIsMissing:
    def test_carveout(self, settings):
        """Where something is declared, and where something is published: that needs the tables."""
        settings.INSTALLED_APPS = [each for each in settings.INSTALLED_APPS if each != "carveout"]
        with pytest.raises(SettingsInvalid) as caught:
            loading.context_of("tests.integration.kit.tickets.events")
        code = (
            "import django; from django.conf import settings;"
            " settings.configure(CARVEOUT={'CONTEXTS': {}}); django.setup();"
            " import carveout; carveout.publish"
        )
        ran = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
        )
        printed = ran.stderr.splitlines()[-1].removeprefix("carveout.errors.SettingsInvalid: ")
        for text in (str(caught.value), printed):
            said(
                text,
                "'carveout' is not in INSTALLED_APPS, so no declaration would be loaded,"
                ' and there are no tables and no commands. Add it: INSTALLED_APPS += ["carveout"].',
            )

    def test_the_app_of_a_context(self):
        said(
            checked("carveout.E019", checks.check_apps),
            "CARVEOUT['CONTEXTS']['tickets']: its app 'tests.integration.kit.tickets' is not in"
            " INSTALLED_APPS, so its models, events and subscribers are not loaded.",
            'HINT: INSTALLED_APPS = [..., "carveout", *carveout.hosted_apps(CARVEOUT)]',
        )

    def test_an_app_that_is_in_no_context(self):
        with pytest.raises(SettingsInvalid) as caught:
            type(carveout.Event)(
                "BoxSent", (carveout.Event,), {"__module__": "depot.events"}, key="number"
            )
        said(
            str(caught.value),
            "depot.events belongs to no context. Add its app to one in CARVEOUT['CONTEXTS'].",
        )


@one_engine
def test_the_wrong_context(kit):
    kit.set(HOSTED=["desk"])
    with pytest.raises(carveout.InvalidEvent) as caught, transaction.atomic(using="kit"):
        carveout.publish(TicketSold(number="T-1"))
    said(
        str(caught.value),
        "tickets.TicketSold was not stored: tickets is not hosted here; hosted contexts: desk."
        " Publish it in the deployment that hosts tickets, or add 'tickets' to"
        " CARVEOUT['HOSTED'] (or to the environment's CONTEXTS) here.",
    )


@one_engine
def test_the_class_of_another_context():
    with pytest.raises(carveout.CarveoutError) as caught:

        @carveout.subscribe(TicketSold)
        def listen(event):
            """Nothing."""

    said(
        re.sub(r":\d+: ", ":7: ", str(caught.value)),
        f"{HERE}/test_likely_mistakes.py:7: tests.integration.kit.test_likely_mistakes.listen of"
        " desk subscribes to the class TicketSold of another context, but contexts must not"
        " import from each other. Write its name in quotes:"
        ' @carveout.subscribe("tickets.TicketSold").',
    )


@one_engine
def test_a_typo_in_an_events_name():
    @carveout.subscribe("tickets.TicketSlod")
    def listen(event):
        """Nothing."""

    text = checked("carveout.E003")
    assert re.match(rf"{HERE}/test_likely_mistakes\.py:\d+: \(carveout\.E003\) ", text)
    said(
        text,
        "Subscription desk.listen: there is no event 'tickets.TicketSlod'.",
        "HINT: Did you mean 'tickets.TicketSold'?",
    )


@one_engine
def test_a_typo_in_an_events_field():
    with pytest.raises(TypeError) as caught:
        TicketMoved(numbr="T-1")
    said(
        str(caught.value),
        "tickets.TicketMoved: unknown field 'numbr', did you mean 'number'? Missing: 'number',"
        " 'seat'. Its fields: number, seat.",
    )


@one_engine
def test_a_publish_outside_a_transaction():
    with pytest.raises(carveout.NotInTransaction) as caught:
        carveout.publish(TicketSold(number="T-1"))
    said(
        str(caught.value),
        "publish(tickets.TicketSold) was called outside a transaction on database 'kit': the event"
        " could be stored and the change lost, so nothing was stored. Wrap both in"
        " `with transaction.atomic(using='kit'):`. The transaction that a TestCase opens does not"
        " count.",
    )


def test_not_migrated(kit, database, tmp_path, request, monkeypatch):
    if database.startswith("sqlite"):
        url = f"sqlite:///{tmp_path}/bare.sqlite3"
    else:
        postgres = request.getfixturevalue("postgres")
        url = postgres.url(postgres.create())
    with connected(url, "bare"):
        kit.change("tickets", database="bare")
        with pytest.raises(NotMigrated) as caught, transaction.atomic(using="bare"):
            carveout.publish(TicketSold(number="T-1"))
        assert "carveout_loggedevent" in str(caught.value)
        said(
            re.sub(r"yet \(.*?\)\.", "yet (no such table: x).", str(caught.value)),
            "publish(tickets.TicketSold) stored nothing: database 'bare' has no Carveout tables"
            " yet (no such table: x). Run `manage.py migrate --database bare`.",
        )
        monkeypatch.setattr(sys, "argv", ["manage.py", "check"])
        databases = {"databases": ["kit", "bare"]}
        (missing,) = checks.check_tables(**databases)
        assert missing.id == "carveout.E018"
        assert missing.msg.startswith("Database 'bare' lacks Carveout tables: carveout_attempt, ")
        assert missing.hint == "Run `manage.py migrate --database bare`."
        monkeypatch.setattr(sys, "argv", ["manage.py", "migrate"])  # it checks, too
        assert checks.check_tables(**databases) == []


@one_engine
def test_a_subscriber_that_is_not_found(kit, settings, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "annex").mkdir()
    (tmp_path / "annex/__init__.py").touch()
    (tmp_path / "annex/handlers.py").write_text(
        'import carveout\n\n@carveout.subscribe("tickets.TicketSold")\ndef listen(event): ...\n'
    )
    settings.BASE_DIR = tmp_path
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "annex"]
    kit.change("desk", apps=["annex"])
    text = checked("carveout.E010", checks.check_unread)
    assert text.startswith("annex/handlers.py:4: (carveout.E010) ")
    said(
        text,
        "Nothing imports annex.handlers, so what it declares has no effect: listen.",
        "HINT: Move it to annex/subscribers.py, or write `import annex.handlers` there.",
    )


@one_engine
def test_a_wrong_lookup_field():
    class TicketToPaint(carveout.Lookup, of="tickets.ticket"):
        titel: str

    text = next(each for each in system_check.check_declarations() if "Paint" in each.msg)
    assert re.match(rf"{HERE}/test_likely_mistakes\.py:\d+: \(carveout\.E014\) ", str(text))
    said(
        re.sub(r"tests\.[\w.<>]*\.(\w+:)", r"desk.lookups.\1", str(text)),
        "Lookup desk.lookups.TicketToPaint: tickets.ticket has no field 'titel'.",
        "HINT: Did you mean 'title'?",
    )
    with pytest.raises(LookupRefused) as caught:
        carveout.look_up(TicketToPaint, "T-1")
    assert str(caught.value) == "tickets.ticket has no titel; it has number, title, price, seat."


@one_engine
class TestAWrongRedisUrl:
    def test_of_no_kind_that_there_is(self, kit):
        kit.set(REDIS_URL="localhost:6379")
        text = checked("carveout.E001", checks.check_settings)
        said(
            text,
            "CARVEOUT['REDIS_URL'] 'localhost:6379': it must begin with one of redis://, rediss://,"
            " unix://, redis+sentinel://, rediss+sentinel://, redis+cluster://, rediss+cluster://.",
        )

    def test_where_nobody_listens(self, kit, caplog):
        kit.set(REDIS_URL="redis://127.0.0.1:1/0")
        answer = "Redis did not answer (Error 111 connecting to 127.0.0.1:1. Connection refused.);"
        fix = "nothing is lost. Start it, or correct its URL in settings.CARVEOUT."
        with pytest.raises(CommandError) as caught:
            call_command("relay", once=True)
        said(str(caught.value), f"{answer} {fix}")
        caplog.set_level(logging.WARNING)
        caplog.clear()
        loading.get_settings()
        carveout.redis.fire_and_forget.reset()
        sell("T-1")
        (line,) = caplog.messages
        stored = "The event is stored; the relay delivers it when Redis is back."
        said(line, f"{answer} {fix} {stored}")


@one_engine
def test_urls_that_are_not_mounted(kit, settings):
    with the_contexts() as url:
        kit.set(LOOKUPS="http")
        kit.change("tickets", url=f"{url}/lost")
        with pytest.raises(LookupRefused) as caught:
            carveout.look_up(TicketToShow, "T-1")
    host = url.removesuffix("/internal")
    said(
        str(caught.value).replace(host, "http://there"),
        "tickets answered 404 to lookups/tickets.ticket/: there is no such page at"
        " http://there/internal/lost/. Mount the internal REST in the deployment of tickets:"
        ' path("internal/", include("carveout.urls")). Or correct'
        " CARVEOUT['CONTEXTS']['tickets']['url'] here: it must end with that path.",
    )
    settings.ROOT_URLCONF = type("urls", (), {"urlpatterns": []})
    kit.set(HOSTED=["tickets"], LOOKUPS="auto")
    said(
        checked("carveout.W004", checks.check_urls),
        "carveout.urls is not mounted, so other deployments get 404 when they look up tickets or"
        " read missed events.",
        'HINT: Add path("internal/", include("carveout.urls")). In the other deployments,',
    )


@one_engine
def test_an_instance_of_a_model_as_a_fields_value():
    ticket = Ticket(pk=7, number="T-1")
    with pytest.raises(carveout.InvalidEvent) as caught, transaction.atomic(using="kit"):
        carveout.publish(TicketSold(number=ticket))
    assert re.search(rf" at {HERE}/tickets/events\.py:\d+\.$", str(caught.value))
    said(
        re.sub(r"\.py:\d+\.", ".py:6.", str(caught.value)),
        "tickets.TicketSold: its field 'number' holds an instance of the model kit_tickets.Ticket."
        " Pass what identifies it, as in number=ticket.pk, and let subscribers look the rest up."
        f" Nothing was stored. Fix the value, or the field's type at {HERE}/tickets/events.py:6.",
    )


def test_the_page_lists_no_other():
    """As many as are tested here."""
    tested = Path(__file__).read_text().count("    said(") - 1
    assert len(listed()) == tested
