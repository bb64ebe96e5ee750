"""Declarations that would be lost in silence: refused, with the places in the code."""

import functools
import importlib
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from asgiref.sync import async_to_sync

import carveout
from carveout.errors import DeclarationInvalid
from carveout.events import event, upcasters
from carveout.events.declarations import NAME_MAX
from carveout.lookups import provider
from carveout.lookups import reader as lookups
from carveout.subscriptions import subscription

pytestmark = pytest.mark.usefixtures("shows")

HEAD = "import carveout\n\n"
HANDLER = '@carveout.subscribe("shows.ShowOpened")\ndef on_show(event): ...\n'
EVENT = 'class ShowOpened(carveout.Event, key="title"):\n    title: str\n'
LOOKUP = '@carveout.lookup("show", key="title")\nclass Show(carveout.LookupViewSet): ...\n'
UPCASTER = '@carveout.upcast("shows.ShowOpened", version=1)\ndef up(data): return data\n'
STACKED = '@carveout.subscribe("shows.ShowOpened")\n' + HANDLER
UNWRAPPED = """
def loud(function):
    def inner(event):
        return function(event)
    return inner

@carveout.subscribe("shows.ShowOpened")
@loud
def on_opened(event): ...

@carveout.subscribe("shows.ShowClosed")
@loud
def on_closed(event): ...
"""


@pytest.fixture
def write(
    shows: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., ModuleType]]:
    """Gives: a function that writes a module of the context, and imports it or loads it again."""
    contexts = {"shows": {"apps": ["stage"]}}
    shows(CONTEXTS=contexts)
    (tmp_path / "stage").mkdir()
    (tmp_path / "stage/__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(text: str, name: str = "handlers") -> ModuleType:
        (tmp_path / f"stage/{name}.py").write_text(HEAD + textwrap.dedent(text))
        importlib.invalidate_caches()
        loaded = sys.modules.get(f"stage.{name}")
        return importlib.reload(loaded) if loaded else importlib.import_module(f"stage.{name}")

    yield write
    for name in [name for name in sys.modules if name.split(".")[0] == "stage"]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("text", "who", "first", "second"),
    [
        (HANDLER + HANDLER, "Subscription shows.on_show", 4, 6),
        (STACKED, "Subscription shows.on_show", 5, 5),
        (UNWRAPPED, "Subscription shows.inner", 5, 5),
        (EVENT + EVENT, "Event shows.ShowOpened", 5, 5),
        (LOOKUP + LOOKUP, "Lookup shows.show", 6, 6),
        (UPCASTER + UPCASTER, "The upcaster from version 1 of shows.ShowOpened", 4, 6),
    ],
    ids=["handlers", "stacked", "unwrapped", "events", "lookups", "upcasters"],
)
def test_a_name_is_declared_once_in_a_module(write, text, who, first, second):
    with pytest.raises(DeclarationInvalid) as caught:
        write(text)
    places = f"stage/handlers.py:{first} and stage/handlers.py:{second}"
    assert f"{who} is declared twice, {places}" in str(caught.value)


@pytest.mark.parametrize("text", [HANDLER, EVENT, LOOKUP, UPCASTER])
def test_a_name_is_declared_once_in_a_context(write, text):
    write(text)
    with pytest.raises(DeclarationInvalid, match=r"stage/handlers\.py:\d and stage/more\.py:\d"):
        write(text, "more")


def test_a_module_may_be_loaded_again_also_after_a_change(write):
    reader = 'class ShowToSee(carveout.Lookup, of="shows.show"):\n    title: str\n'
    text = HANDLER + EVENT + LOOKUP + UPCASTER + reader
    before = write(text)
    after = write("\n\n" + text + "\n")
    assert after is before
    assert subscription.registry["shows.on_show"].handler is after.on_show
    assert event.registry["shows.ShowOpened"] is after.ShowOpened
    assert provider.providers["shows.show"] is after.Show
    assert upcasters.registry["shows.ShowOpened"] == {1: after.up}
    assert lookups.readers == [after.ShowToSee]


def test_a_second_one_in_a_module_that_was_loaded_again_is_refused(write):
    write(HANDLER)
    with pytest.raises(DeclarationInvalid, match="is declared twice"):
        write(HANDLER + HANDLER)


async def is_async(data):
    return data


def generates(data):
    yield data


async def generates_async(data):
    yield data


def passes_on(function):
    @functools.wraps(function)
    def inner(data):
        return function(data)

    return inner


class Callable_:  # noqa: N801
    """An object that can be called."""

    __name__ = "called"

    async def __call__(self, data):
        return data


NOT_RUN = [
    (is_async, "is async"),
    (generates, "is a generator"),
    (generates_async, "is an async generator"),
    (functools.update_wrapper(functools.partial(is_async), is_async), "is async"),
    (passes_on(generates), "is a generator"),
    (passes_on(functools.partial(is_async)), "is async"),
    (Callable_(), "is async"),
    (Callable_().__call__, "is async"),
]


@pytest.mark.parametrize(("function", "kind"), NOT_RUN)
@pytest.mark.parametrize(
    "declare",
    [carveout.subscribe("shows.ShowOpened"), carveout.upcast("shows.ShowOpened", version=1)],
    ids=["subscribe", "upcast"],
)
def test_what_a_call_would_not_run_is_refused(declare, function, kind):
    with pytest.raises(DeclarationInvalid, match=rf"test_declarations\.py:\d+\) {kind}: calling"):
        declare(function)
    assert (subscription.registry, upcasters.registry) == ({}, {})


def test_a_lookup_that_a_call_would_not_run_is_refused():
    with pytest.raises(DeclarationInvalid, match=r"Shows: list .*test_declarations.* is async"):

        @carveout.lookup("show", key="title")
        class Shows(carveout.LookupViewSet):
            async def list(self, request):
                """Nothing."""


def test_async_code_may_be_run_by_a_plain_function():
    @functools.wraps(is_async)
    def plain(event):
        async_to_sync(is_async)(event)

    plain.__wrapped__ = async_to_sync(is_async)
    carveout.subscribe("shows.ShowOpened")(plain)
    assert "shows.is_async" in subscription.registry


def test_a_handler_without_a_name_is_refused():
    with pytest.raises(DeclarationInvalid, match=r"has no name\. Write a plain function"):
        carveout.subscribe("shows.ShowOpened")(functools.partial(generates))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("@carveout.subscribe\ndef on_show(event): ...", 'Write @carveout.subscribe("<context>'),
        ("@carveout.upcast\ndef on_show(data): ...", 'Write @carveout.upcast("<context>'),
        ("@carveout.lookup\nclass on_show(carveout.LookupViewSet): ...", "Write @carveout.lookup("),
    ],
)
def test_a_decorator_without_a_call_is_refused(write, text, told):
    with pytest.raises(DeclarationInvalid, match=r"on_show \(stage/handlers.py:4\)") as caught:
        write(text)
    assert told in str(caught.value)


@pytest.mark.parametrize("given", [carveout.Event, None, 3])
def test_what_is_heard_is_named_by_text(given):
    with pytest.raises(DeclarationInvalid, match="names in quotes"):
        carveout.subscribe("shows.ShowOpened", given)


def test_inside_its_own_context_an_event_may_be_heard_by_its_class():
    class ShowOpened(carveout.Event, key="title"):
        title: str

    @carveout.subscribe(ShowOpened, "elsewhere.VenueBuilt")
    def listen(event):
        """Nothing."""

    types = subscription.registry["shows.listen"].types
    assert types == {"shows.ShowOpened", "elsewhere.VenueBuilt"}


def test_a_lookup_has_a_key_and_a_plain_name_and_is_a_viewset():
    with pytest.raises(DeclarationInvalid, match='key="<field>"'):
        carveout.lookup("show")
    with pytest.raises(DeclarationInvalid, match=r"'shows\.show' has a dot"):
        carveout.lookup("shows.show", key="title")(type("Show", (carveout.LookupViewSet,), {}))
    with pytest.raises(DeclarationInvalid, match=r"goes above a subclass"):
        carveout.lookup("show", key="title")(generates)


OWN = [name for name in dir(carveout.ReceivedEvent) if not name.startswith("_")]


@pytest.mark.parametrize("name", [*OWN, "event_key"])
def test_a_field_that_every_received_event_has_is_refused(name):
    with pytest.raises(DeclarationInvalid, match=rf"an attribute '{name}' of its own"):
        type(carveout.Event)(
            "ShowOpened",
            (carveout.Event,),
            {"__module__": __name__, "__annotations__": {name: Any}},
            key=name,
        )
    assert event.registry == {}


def test_names_that_no_column_holds_are_refused():
    long = "x" * NAME_MAX
    namespace = {"__module__": __name__, "__annotations__": {"title": str}}
    with pytest.raises(DeclarationInvalid, match="at most 200"):
        type(carveout.Event)(long, (carveout.Event,), namespace, key="title")
    with pytest.raises(DeclarationInvalid, match="at most 200"):
        carveout.lookup(long, key="title")(type("Show", (carveout.LookupViewSet,), {}))

    def handler(event):
        """Nothing."""

    handler.__name__ = long
    with pytest.raises(DeclarationInvalid, match="at most 200"):
        carveout.subscribe("shows.ShowOpened")(handler)
