"""Finds receivers of another app's signals and models, from the live lists of the signals."""

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple
from weakref import ReferenceType

from django.db.models import Model
from django.dispatch import Signal

from carveout.carving.survey.coupling import EVERY, Coupling
from carveout.carving.survey.facts import Call
from carveout.carving.survey.model_index import Models
from carveout.carving.survey.sources import Sources
from carveout.carving.survey.unread import RECEIVER, attributes

KIND = "receiver"
NOBODY = id(None)
"""The sender id that Django stores for a receiver of every sender."""


class Function(NamedTuple):
    """Where a receiver is defined, and its name there."""

    module: str
    qualname: str


class LiveReceiver(NamedTuple):
    """A receiver in the live list of a signal."""

    name: str
    signal: str
    sender_id: int
    function: Function


def receivers(sources: Sources, models: Models) -> Iterator[Coupling]:
    senders = {id(model): model for model in models.all}
    for each in live_receivers(sources):
        with sources.project.gaps.around(RECEIVER, each.name):
            yield from _of_one(each, senders, sources)


def _of_one(
    each: LiveReceiver, senders: dict[int, type[Model]], sources: Sources
) -> Iterator[Coupling]:
    app = sources.project.app_of(each.function.module)
    if sources.project.is_own(app):
        model = senders.get(each.sender_id)
        for target, symbol, form in _targets(each.signal, model, each.sender_id, sources):
            if target != app:
                yield _coupling(each.signal, each.function, app, target, symbol, form, sources)


def signals(sources: Sources) -> dict[str, Signal]:
    """All signals of this process that a module holds, by their dotted name."""
    found: dict[str, Signal] = {}
    for module in list(sys.modules.values()):
        held = attributes(module)
        for name, value in list(held.items()):
            # type() instead of isinstance(), which would evaluate a lazy object.
            if issubclass(type(value), Signal):
                found.setdefault(f"{held.get('__name__', '')}.{name}", value)
    return _named_once(found, sources)


def live_receivers(sources: Sources) -> Iterator[LiveReceiver]:
    """Every receiver of every signal that still exists."""
    for name, signal in sorted(signals(sources).items()):
        for entry in list(signal.receivers):
            key, function = entry[0], entry[1]
            if isinstance(function, ReferenceType):
                function = function()
            if function is not None:
                called = f"{_called(function)} of {name}"
                with sources.project.gaps.around(RECEIVER, called):
                    yield LiveReceiver(called, name, key[1], _function(function))


def _called(function: Any) -> str:
    """The name of a receiver; the name of its class if it has none, or raises."""
    with suppress(Exception):
        return f"{function.__module__}.{function.__qualname__}"
    return f"{type(function).__module__}.{type(function).__qualname__}"


def _named_once(found: dict[str, Signal], sources: Sources) -> dict[str, Signal]:
    """Each signal once, by the name where it is defined and not by those that import it."""
    names: dict[int, list[str]] = {}
    for name, signal in found.items():
        names.setdefault(id(signal), []).append(name)

    def farness(name: str) -> tuple[bool, bool, bool, int, str]:
        definition = sources.own_definition(name)
        made = definition is not None and definition.value.endswith("()")  # else it is an alias
        elsewhere = not sources.project.app_of(name)  # a third-party signal is not defined here
        named_so = name.rpartition(".")[0].endswith("signals")
        return not made, not elsewhere, not named_so, name.count("."), name

    return {min(each, key=farness): found[each[0]] for each in names.values()}


def _function(function: Callable[..., Any]) -> Function:
    """The function under its wrappers; a callable object is named by its class."""
    function = function.func if isinstance(function, partial) else function
    plain = inspect.unwrap(getattr(function, "__func__", function))
    name = getattr(plain, "__qualname__", type(plain).__name__)
    return Function(str(getattr(plain, "__module__", "")), str(name))


def _targets(
    signal: str, model: Any, sender_id: int, sources: Sources
) -> Iterator[tuple[str, str, str]]:
    """The app, the symbol, and how the sender is given: one for the model that sends, and one for
    a signal that another app than the model's defines."""
    home = sources.project.app_of(signal)
    if model is not None:
        yield model._meta.app_label, model._meta.label, "class"
    if sources.project.is_own(home) and (model is None or model._meta.app_label != home):
        yield home, signal, "no sender" if sender_id == NOBODY else "other sender"
    elif signal.startswith("django.db.models.signals.") and sender_id == NOBODY:
        yield EVERY, signal, "no sender"


def _coupling(
    signal: str,
    function: Function,
    app: str,
    target: str,
    symbol: str,
    form: str,
    sources: Sources,
) -> Coupling:
    name = f"{function.module}.{function.qualname}"
    short = signal.rpartition(".")[2]
    file, line, written = _where(name.replace(".<locals>", ""), short, app, sources)
    return Coupling(
        kind=KIND,
        form=written if form == "class" and written else form,
        source=app,
        source_symbol=name,
        file=file,
        line=line,
        target=target,
        target_symbol=symbol,
        details={"signals": [short]},
    )


def _where(name: str, signal: str, app: str, sources: Sources) -> tuple[str, int, str]:
    """The line of the decorator, else of `connect`, else of the function."""
    file, definition = sources.defined(name)
    for written, line in definition.receiver_lines.items() if definition else ():
        if written.rpartition(".")[2] == signal:
            return file, line, _written(file, line, sources)
    function = name.rpartition(".")[2]
    for source, call in sources.calls("connect"):
        given = call.arguments[0] if call.arguments else call.keywords.get("receiver", "")
        if (
            source.app == app
            and call.name.endswith(f"{signal}.connect")
            and given.rpartition(".")[2].lstrip("=") == function
        ):
            return source.file, call.line, _sender(call)
    return file, definition.line if definition else 0, ""


def _written(file: str, line: int, sources: Sources) -> str:
    for source, call in sources.calls("receiver"):
        if source.file == file and call.line == line:
            return _sender(call)
    return ""


def _sender(call: Call) -> str:
    """How the sender is written."""
    return "class" if call.keywords.get("sender", "=").startswith("=") else "string"
