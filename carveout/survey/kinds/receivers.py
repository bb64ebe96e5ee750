"""Signal receivers: who hears another app's models and signals, from the live lists."""

import inspect
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from weakref import ReferenceType

from django.dispatch import Signal

from carveout.survey.coupling import EVERY, Coupling
from carveout.survey.facts import Call
from carveout.survey.models import Models
from carveout.survey.sources import Sources

KIND = "receiver"
NOBODY = id(None)
"""What Django notes as the sender of a receiver that hears every sender."""


def receivers(sources: Sources, models: Models) -> Iterator[Coupling]:
    senders = {id(model): model for model in models.all}
    for name, signal in sorted(signals(sources).items()):
        for sender_id, function in heard_by(signal):
            module = str(getattr(function, "__module__", ""))
            app = sources.project.app_of(module)
            if not sources.project.is_own(app):
                continue
            for target, symbol, form in _heard(name, senders.get(sender_id), sender_id, sources):
                if target != app:
                    yield _coupling(name, function, app, target, symbol, form, sources)


def signals(sources: Sources) -> dict[str, Signal]:
    """All signals of this process by their dotted name, where a module holds them."""
    found: dict[str, Signal] = {}
    for module in list(sys.modules.values()):
        for name, value in list(getattr(module, "__dict__", {}).items()):
            # By type(): what is lazy would wake up if it were asked for its class.
            if issubclass(type(value), Signal):
                home = getattr(module, "__name__", "")
                found.setdefault(f"{home}.{name}", value)
    return _named_once(found, sources)


def heard_by(signal: Signal) -> Iterator[tuple[int, Callable[..., Any]]]:
    """The id of each receiver's sender, and the function."""
    for entry in signal.receivers:
        key, function = entry[0], entry[1]
        if isinstance(function, ReferenceType):
            function = function()
        if function is not None:
            yield key[1], _plain(function)


def _named_once(found: dict[str, Signal], sources: Sources) -> dict[str, Signal]:
    """Of several names of one signal that where it is defined: other modules import it."""
    names: dict[int, list[str]] = {}
    for name, signal in found.items():
        names.setdefault(id(signal), []).append(name)

    def farness(name: str) -> tuple[bool, bool, bool, int, str]:
        definition = sources.own_definition(name)
        made = definition is not None and definition.value.endswith("()")  # else another name of it
        elsewhere = not sources.project.app_of(name)  # a third party's signal is not made here
        named_so = name.rpartition(".")[0].endswith("signals")
        return not made, not elsewhere, not named_so, name.count("."), name

    return {min(each, key=farness): found[each[0]] for each in names.values()}


def _plain(function: Callable[..., Any]) -> Any:
    function = function.func if isinstance(function, partial) else function
    return inspect.unwrap(getattr(function, "__func__", function))


def _heard(
    signal: str, model: Any, sender_id: int, sources: Sources
) -> Iterator[tuple[str, str, str]]:
    """The app, the symbol, and how the sender is given: of the model that sends, and of a signal
    that another app than the model's defines."""
    home = sources.project.app_of(signal)
    if model is not None:
        yield model._meta.app_label, model._meta.label, "class"
    if sources.project.is_own(home) and (model is None or model._meta.app_label != home):
        yield home, signal, "no sender" if sender_id == NOBODY else "other sender"
    elif signal.startswith("django.db.models.signals.") and sender_id == NOBODY:
        yield EVERY, signal, "no sender"


def _coupling(
    signal: str,
    function: Any,
    app: str,
    target: str,
    symbol: str,
    form: str,
    sources: Sources,
) -> Coupling:
    name = f"{function.__module__}.{getattr(function, '__qualname__', type(function).__name__)}"
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
    """The line of the decorator, else that of `connect`, else that of the function."""
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
    """How it is written."""
    return "class" if call.keywords.get("sender", "=").startswith("=") else "string"
