"""Finds which function each call runs, through classes, rows and signals."""

from collections.abc import Iterable, Iterator

from django.db.models import Model

from carveout.carving.survey.facts import Call
from carveout.carving.survey.kinds.naming import loaded_classes
from carveout.carving.survey.kinds.signal_receivers import live_receivers
from carveout.carving.survey.model_inference import MANAGERS, Rows
from carveout.carving.survey.sources import SourceFile, Sources

OF_SELF = ("self", "cls", "super()")
SENDING = ("send", "send_robust")
SAVING = {
    "pre_save": ("save", "create", "get_or_create", "update_or_create"),
    "post_save": ("save", "create", "get_or_create", "update_or_create"),
    "pre_delete": ("delete",),
    "post_delete": ("delete",),
}
"""By signal of Django's: the methods of rows that send it."""
OF_EVERY_ROW = {method for several in SAVING.values() for method in several}
DEPTH = 8
"""How many levels of base classes are followed."""


class Callgraph:
    """Dotted names of functions and methods, and where they are called.

    The methods of an object are known if its class is known: from the expression that creates or
    fetches it, from an annotation, or because the variable is named like a model.
    """

    def __init__(self, sources: Sources, rows: Rows) -> None:
        self.sources = sources
        self.rows = rows
        self.methods = OF_EVERY_ROW | {
            scope.rpartition(".")[2]
            for source in sources
            for scope in source.facts.definitions
            if "." in scope
        }
        self._loaded = dict(loaded_classes(sources))
        self.calls: dict[str, list[tuple[SourceFile, Call]]] = {}
        """By the function that is called; calls that run later are left out."""
        for source in sources:
            for call in () if source.migration else source.facts.calls:
                if not call.is_later:
                    self.calls.setdefault(self.called(source, call), []).append((source, call))
        self.receivers = dict(self._receivers())
        self.run_in: dict[str, list[str]] = {}
        """By call: the receivers that run inside it."""
        for receiver, calls in self.receivers.items():
            for each in calls:
                self.run_in.setdefault(each, []).append(receiver)

    def callers(self, name: str) -> Iterator[tuple[SourceFile, Call]]:
        """Where a function is called, also as a constructor or through a signal it receives."""
        yield from self.calls.get(name, ())
        yield from self.calls.get(name.removesuffix(".__init__"), ())
        for sent in self.receivers.get(name, ()):
            yield from self.calls.get(sent, ())

    def leading_to(self, functions: Iterable[str]) -> set[str]:
        """These functions, and all that call them, directly or not."""
        found = set(functions)
        waiting = list(found)
        while waiting:
            for source, call in self.callers(waiting.pop()):
                caller = function_of(source, call)
                if caller not in found:
                    found.add(caller)
                    waiting.append(caller)
        return found

    def called(self, source: SourceFile, call: Call) -> str:
        return self.named(source, call.name, call.place.scope)

    def named(self, source: SourceFile, name: str, scope: str) -> str:
        """The dotted name of the function that this name, in this scope, stands for."""
        first, _, rest = name.partition(".")
        if first in OF_SELF and "." in scope:
            return self._of_self(source, first, rest, scope)
        resolved = self._origin(source.facts.resolve(name, scope))
        before, _, method = name.rpartition(".")
        if before and method in self.methods:
            known = self.method(resolved.replace("()", ""))
            return known or self._of_row(source, before, method, scope) or resolved
        return resolved

    def _origin(self, name: str) -> str:
        """Where a name is defined that a module re-exports, or that is loaded by a string."""
        name = self.sources.origin(name)
        before, rest = name, ""
        while before and self._loaded:
            loaded = self._loaded.get(before.removesuffix("()"))
            if loaded:
                return f"{loaded}{rest}"
            before, _, last = before.rpartition(".")
            rest = f".{last}{rest}"
        return name

    def _of_self(self, source: SourceFile, first: str, rest: str, scope: str) -> str:
        holder = scope.rpartition(".")[0]
        name = f"{source.facts.module}.{holder}"
        attribute, _, method = rest.rpartition(".")
        made = source.facts.variables.get(f"{holder}.__init__:self.{attribute}")
        if made and made.partition(".")[0] not in OF_SELF:
            return self.named(source, f"{made}.{method}", f"{holder}.__init__")
        if first == "super()":
            return self._inherited(name, rest, DEPTH) or f"{first}.{rest}"
        return self.method(f"{name}.{rest}") or f"{name}.{rest}"

    def method(self, name: str) -> str:
        """Where a method is defined, in its class or a base class; empty if unknown."""
        holder, _, method = name.rpartition(".")
        _, definition = self.sources.defined(name)
        return name if definition else self._inherited(holder, method, DEPTH)

    def _inherited(self, holder: str, method: str, depth: int) -> str:
        _, definition = self.sources.defined(holder)
        source = self._source(holder)
        for base in definition.bases if definition and source and depth else ():
            parent = self._origin(source.facts.resolve(base)) if source else ""
            if self.sources.defined(f"{parent}.{method}")[1]:
                return f"{parent}.{method}"
            further = self._inherited(parent, method, depth - 1)
            if further:
                return further
        return ""

    def _source(self, name: str) -> SourceFile | None:
        """The file that defines a dotted name."""
        return self.sources.by_module.get(self.sources.module_of(name))

    def _of_row(self, source: SourceFile, before: str, method: str, scope: str) -> str:
        """A method of the rows that a variable or a query gives, or of their manager.

        Every model has the methods that save, so for those each step to the row must be known.
        """
        model, _ = self.rows.of(source, before, scope, strictly=method in OF_EVERY_ROW)
        if model is None:
            return ""
        of_rows = not MANAGERS.search(f"{before}.") or before.endswith(("get()", "first()"))
        for owner in model.__mro__ if of_rows else self._managers(model):
            name = f"{owner.__module__}.{owner.__qualname__}.{method}"
            if self.sources.defined(name)[1]:
                return name
        known = method in OF_EVERY_ROW
        return f"{model.__module__}.{model.__qualname__}.{method}" if known else ""

    def _receivers(self) -> Iterator[tuple[str, list[str]]]:
        """By receiver: the calls that it runs in, as they are named here."""
        received: dict[str, list[str]] = {}
        models = {id(model): model for model in self.rows.models.all}
        for _, signal, sender, function in live_receivers(self.sources):
            home = f"{function.module}.{function.qualname}"
            if self.sources.project.is_own(self.sources.project.app_of(signal)):
                received.setdefault(home, []).extend(f"{signal}.{each}" for each in SENDING)
            elif sender in models:
                row = f"{models[sender].__module__}.{models[sender].__qualname__}"
                saving = SAVING.get(signal.rpartition(".")[2], ())
                received.setdefault(home, []).extend(f"{row}.{each}" for each in saving)
        yield from received.items()

    def _managers(self, model: type[Model]) -> Iterator[type]:
        for each in self.rows.models.managers(model):
            yield from each.__mro__


def function_of(source: SourceFile, call: Call) -> str:
    """The dotted name of the function that contains a call."""
    return f"{source.facts.module}.{call.place.scope}"
