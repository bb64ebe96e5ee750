"""System checks: what is declared wrongly is told at start, all at once, with a suggestion."""

import sys
from importlib.util import find_spec

import pytest
from django.contrib import admin
from django.core.checks import run_checks
from django.urls import include, path
from django_rq import urls as django_rq_urls
from rest_framework import serializers

import carveout
from carveout import checks
from carveout.conf import hosting
from carveout.contracts import system_check
from carveout.errors import SettingsInvalid
from carveout.events import event
from carveout.lookups import reader
from carveout.lookups.provider import LookupViewSet
from carveout.routers import ContextRouter
from tests.integration.kit.tickets.models import Ticket

pytestmark = pytest.mark.usefixtures("shows")


class ShowSerializer(serializers.Serializer):
    """A show."""

    title = serializers.CharField()


@pytest.fixture
def declared():
    """One event and one lookup that the context has."""

    class ShowOpened(carveout.Event, key="title"):
        title: str

    @carveout.lookup("show", key="title")
    class ShowLookup(LookupViewSet):
        """It is never asked."""

        queryset = Ticket.objects.all()
        serializer_class = ShowSerializer


def found() -> list[tuple[str, str, str | None]]:
    return [(each.id, each.msg, each.hint) for each in system_check.check_declarations()]


def hears(*types: str):
    @carveout.subscribe(*types)
    def handler(event):
        """Nothing."""


def test_good_declarations_pass(declared):
    hears("shows.ShowOpened", "elsewhere.Anything")

    class ShowToSee(carveout.Lookup, of="shows.show"):
        title: str

    class Other(carveout.Lookup, of="elsewhere.other"):
        title: str

    assert found() == []


def test_an_unknown_type_of_a_hosted_context(declared):
    hears("shows.ShowOpend")
    assert found() == [
        (
            "carveout.E003",
            "Subscription shows.handler: there is no event 'shows.ShowOpend'.",
            "Did you mean 'shows.ShowOpened'?",
        )
    ]


def test_a_type_of_an_unknown_context(declared):
    hears("show.ShowOpened")
    assert found() == [
        (
            "carveout.E003",
            "Subscription shows.handler: no context is named 'show'.",
            "Did you mean 'shows'?",
        )
    ]


def test_an_unknown_lookup_of_a_hosted_context(declared):
    class ShowToSee(carveout.Lookup, of="shows.shw"):
        title: str

    [(code, message, hint)] = found()
    assert code == "carveout.E004"
    assert message.endswith("ShowToSee: there is no lookup 'shows.shw'.")
    assert hint == "Did you mean 'shows.show'?"


def test_a_lookup_of_a_context_elsewhere_needs_its_url(shows):
    contexts = {"shows": {"apps": ["tests.unit"]}, "elsewhere": {"apps": ["elsewhere"]}}
    shows(CONTEXTS=contexts)

    class Other(carveout.Lookup, of="elsewhere.other"):
        title: str

    [(code, message, hint)] = found()
    assert code == "carveout.E004"
    assert message.endswith("elsewhere is not hosted here and has no url.")
    assert "CARVEOUT['CONTEXTS']['elsewhere']['url']" in hint


def test_an_upcaster_of_an_unknown_event(declared):
    carveout.upcast("shows.ShowOpend", version=1)(same)
    assert found() == [
        (
            "carveout.E003",
            "Upcaster tests.unit.test_checks.same: there is no event 'shows.ShowOpend'.",
            "Did you mean 'shows.ShowOpened'?",
        )
    ]


def same(data):
    return data


def test_an_upcaster_from_the_newest_version(declared):
    carveout.upcast("shows.ShowOpened", version=1)(same)
    assert found() == [
        (
            "carveout.E007",
            "Upcaster tests.unit.test_checks.same starts from version 1 of shows.ShowOpened, which"
            " is at version 1.",
            "Write version=2 where shows.ShowOpened is declared, or remove it.",
        )
    ]


@pytest.mark.parametrize(
    ("newest", "upcasters", "missing"),
    [(3, [1, 2], []), (3, [1], [2]), (4, [1, 3], [2]), (3, [2], []), (3, [], [])],
)
def test_a_chain_of_upcasters_has_no_gap(declared, newest, upcasters, missing):
    event.registry["shows.ShowOpened"].event_version = newest
    for version in upcasters:
        carveout.upcast("shows.ShowOpened", version=version)(same)
    assert found() == [
        (
            "carveout.W002",
            f"shows.ShowOpened: no upcaster turns data of version {version} into version"
            f" {version + 1}, so events older than version {version + 1} stay at version"
            f" {version}.",
            f'Write an upcaster: @carveout.upcast("shows.ShowOpened", version={version}).',
        )
        for version in missing
    ]


def test_the_chain_of_an_event_from_elsewhere_has_no_gap():
    for version in (1, 3):
        carveout.upcast("elsewhere.VenueBuilt", version=version)(same)
    [(code, message, _)] = found()
    assert (code, "version 2 into version 3" in message) == ("carveout.W002", True)


def test_a_carried_lookup_that_nobody_offers(declared):
    event.registry["shows.ShowOpened"].event_carries = "shows.shwo"
    [(code, message, hint)] = found()
    assert code == "carveout.E005"
    assert message == "shows.ShowOpened carries 'shows.shwo', which no context here offers."
    assert hint == "Did you mean 'shows.show'?"


def test_a_handler_with_a_parameter_that_nothing_fills():
    @carveout.subscribe("elsewhere.Anything")
    def greedy(event, order):
        """Nothing."""

    [(code, message, _)] = found()
    assert code == "carveout.E002"
    assert "nothing fills its parameter 'order'" in message


def test_a_when_with_a_parameter_that_nothing_fills():
    @carveout.subscribe("elsewhere.Anything", via="rq", when=lambda ordre: True)
    def print_it(event):
        """Nothing."""

    told = [message for code, message, _ in found() if code == "carveout.E002"]
    assert ["print_it: `when`: nothing fills its parameter 'ordre'" in each for each in told] == [
        True
    ]


def test_a_lookup_by_a_field_that_no_heard_event_has(declared):
    class ShowToSee(carveout.Lookup, of="shows.show", by="tittle"):
        title: str

    @carveout.subscribe("shows.ShowOpened")
    def handler(event, show: ShowToSee):
        """Nothing."""

    [(code, message, hint)] = found()
    assert code == "carveout.E002"
    assert "by='tittle'" in message
    assert "title" in hint


def test_all_mistakes_come_at_once(declared):
    @carveout.subscribe("shows.ShowOpend")
    def greedy(event, order):
        """Nothing."""

    class ShowToSee(carveout.Lookup, of="shos.show"):
        title: str

    assert {code for code, _, _ in found()} == {"carveout.E002", "carveout.E003", "carveout.E004"}


def test_of_must_name_a_lookup():
    with pytest.raises(carveout.CarveoutError, match=r"of='show' is not a lookup's name"):

        class ShowToSee(carveout.Lookup, of="show"):
            title: str

    assert reader.readers == []


def test_mistakes_in_the_settings_are_told_by_the_check_too(shows):
    shows(REDIS_ULR="", DELIVERY="pigeon")
    told = [each.msg for each in checks.check_settings()]
    assert len(told) == 2


def test_the_router_leaves_mistakes_in_the_settings_to_the_check(shows, monkeypatch):
    """`check --database` would else end with a traceback before it reports them."""
    shows(REDIS_ULR="")
    monkeypatch.setattr(sys, "argv", ["manage.py", "check"])
    assert ContextRouter().allow_migrate("default", "auth") is None
    monkeypatch.setattr(sys, "argv", ["manage.py", "migrate"])
    with pytest.raises(SettingsInvalid, match="did you mean 'REDIS_URL'"):
        ContextRouter().allow_migrate("default", "auth")


@pytest.mark.parametrize(
    ("apps", "codes"),
    [
        (["carveout", "orders"], ["carveout.E013"]),
        (["carveout.apps.CarveoutConfig"], ["carveout.E013"]),
        (["orders"], []),
    ],
)
def test_a_log_for_each_tenant_is_refused(shows, settings, apps, codes):
    settings.TENANT_APPS = apps
    assert [each.id for each in checks.check_settings()] == codes


URLS = [path("in/", include(("carveout.urls", "kit"), namespace="mine"))]
NESTED = [path("all/", include(URLS))]
RQ = [path("rq/", include(django_rq_urls.urlpatterns))]


@pytest.mark.parametrize(
    ("patterns", "changes", "codes"),
    [
        (NESTED, {}, []),
        ([], {}, ["carveout.W004"]),
        ([], {"HOSTED": ["shows", "elsewhere"]}, []),
        ([], {"HOSTED": ["shows", "elsewhere"], "LOOKUPS": "http"}, ["carveout.W004"]),
        ([*NESTED, *RQ], {}, ["carveout.W005"]),
        ([*URLS, path("admin/", admin.site.urls)], {}, []),
    ],
)
def test_what_is_mounted(shows, settings, declared, patterns, changes, codes):
    shows(**changes)
    settings.ROOT_URLCONF = type("urls", (), {"urlpatterns": patterns})
    assert [each.id for each in checks.check_urls()] == codes


@pytest.mark.parametrize("module", ["carveout.urls", "carveout.operations.rest.urls"])
def test_pages_of_rest_framework_need_its_app(settings, declared, module):
    urls = [*URLS, path("rest/", include(module))]
    settings.ROOT_URLCONF = type("urls", (), {"urlpatterns": urls})
    assert checks.check_urls() == []
    settings.INSTALLED_APPS = [each for each in settings.INSTALLED_APPS if each != "rest_framework"]
    [found] = checks.check_urls()
    assert found.id == "carveout.W006"
    assert module in found.msg
    assert found.hint == 'INSTALLED_APPS += ["rest_framework"]'


@pytest.mark.parametrize(
    ("package", "installed", "queues", "told"),
    [
        ("rq", True, {}, "rq is not installed"),
        ("django_rq", True, {}, "django_rq is not installed"),
        ("", False, {}, "'django_rq' is not in INSTALLED_APPS"),
        ("", True, {}, "RQ_QUEUES has no queue 'carveout-shows'"),
        ("", True, {"carveout-shows": {}}, ""),
    ],
)
def test_jobs_need_django_rq(shows, settings, monkeypatch, package, installed, queues, told):
    @carveout.subscribe("elsewhere.Anything", via="rq")
    def handler(event):
        """Nothing."""

    settings.RQ_QUEUES = queues
    monkeypatch.setattr(
        hosting, "find_spec", lambda name: None if name == package else find_spec(name)
    )  # both are installed where tests run
    if not installed:
        settings.INSTALLED_APPS = [each for each in settings.INSTALLED_APPS if each != "django_rq"]
    expected = [f"Subscription shows.handler has via='rq', but {told}."] if told else []
    assert [message for _, message, _ in found()] == expected
    shows(DELIVERY="inline")
    assert found() == []  # jobs run in place


@pytest.mark.parametrize("delivery", ["inline", "eager"])
def test_a_delivery_that_is_for_tests_is_warned_of_before_it_is_deployed(shows, delivery):
    def found(*, deploy: bool) -> list[str]:
        told = run_checks(tags=[checks.TAG], include_deployment_checks=deploy)
        return [each.msg for each in told if each.id == "carveout.W007"]

    assert found(deploy=True) == []
    shows(DELIVERY=delivery)
    assert found(deploy=False) == []
    (message,) = found(deploy=True)
    assert message.startswith(f"CARVEOUT['DELIVERY'] is '{delivery}', which is for tests: ")


@pytest.mark.parametrize("level", ["NORMAL", "OFF", "normal"])
def test_an_sqlite_that_forgets_commits_is_warned_of(settings, level):
    databases = settings.DATABASES
    options = databases["default"].get("OPTIONS", {})
    init = f"PRAGMA journal_mode=WAL; PRAGMA synchronous = {level};"
    databases["default"]["OPTIONS"] = {**options, "init_command": init}
    try:
        told = [each.id for each in checks.check_settings()]
    finally:
        databases["default"]["OPTIONS"] = options
    if databases["default"]["ENGINE"].endswith("sqlite3"):
        assert told == ["carveout.W001"]
