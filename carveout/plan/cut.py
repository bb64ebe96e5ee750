"""A cut: what is to be done about one coupling, and the command that does it."""

from collections.abc import Iterator
from typing import Any

import msgspec
from django.apps import apps as registry

from carveout.plan import seen
from carveout.plan.deletion import deletion
from carveout.plan.way import Way
from carveout.plan.ways import way
from carveout.survey.coupling import EVERY, Coupling

UNSURE = "it was read from names alone: look first whether it is one"
IN_TESTS = "only tests need it"
OF_MODULES = {"models": "of models", "signals": "of signals", "urls": "of urls"}
HELPERS = {
    *("checks", "compat", "conf", "constants", "decorators", "enums", "exceptions", "fields"),
    *("formats", "forms", "helper", "helpers", "lib", "middleware", "middlewares", "mixins"),
    *("templatetags", "types", "util", "utils", "validators", "widgets"),
}
"""Modules that by custom hold functions and classes which touch no rows."""
QUESTIONS = ("get_", "find_", "list_", "count_", "is_", "has_", "can_", "calculate_")
"""How functions begin that are called for their answer."""


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    to: str
    """What the coupling becomes: `event`, `id and lookup`."""
    text: str
    """What to do, naming both sides."""
    command: str
    """What does it; empty where only a person can."""
    points: float
    """What it takes, see `ways`. Of what is not sure or only tests need, see `cost`."""
    doubts: list[str]
    """Why a person has to look first; none if it is plain."""

    @property
    def sure(self) -> bool:
        return not self.doubts


def cut(coupling: Coupling, shared: bool = False) -> Cut:
    """By kind and form; an unknown form is cut as its kind, an unknown kind in general.

    `shared`: many apps import the module that it imports.
    """
    found = way(coupling.kind, _form(coupling, shared))
    names = _names(coupling)
    text = found.text.format(**names)
    points = found.points
    if coupling.details.get("on_delete"):
        follows = deletion(coupling.details["on_delete"])
        text += " " + follows.text.format(**names)
        points += follows.points
    return Cut(
        to=found.to,
        text=text,
        command=" && ".join(_commands(found, coupling)),
        points=points,
        doubts=_doubts(found, coupling),
    )


def _form(coupling: Coupling, shared: bool) -> str:
    """The variety that its way goes by, which is finer than the survey's."""
    if "migrations" in coupling.file.split("/") and coupling.kind in ("import", "string"):
        return "in migrations"
    if coupling.kind == "receiver" and coupling.target == EVERY:
        return "of every app"
    if coupling.kind == "import" and coupling.form != "type checking":
        return _imported(coupling, shared) or coupling.form
    if coupling.form in ("dotted path", "import_string"):
        return _named(coupling)
    return coupling.form


def _named(coupling: Coupling) -> str:
    if registry.apps_ready and registry.is_installed(coupling.target_symbol):
        return "of an app"
    return "get_class" if _is_class(coupling.target_symbol) else coupling.form


def _imported(coupling: Coupling, shared: bool) -> str:
    """What is imported, as far as its module and the way it is written tell."""
    module = coupling.target_symbol.rpartition(".")[2]
    if module in OF_MODULES:
        return OF_MODULES[module]
    names = _listed(coupling)
    if names and all(name.isupper() for name in names):
        return "of constants"
    if shared:
        return "of a library"
    if any(map(_is_class, names)):
        return "of classes"
    if HELPERS & {*coupling.target_symbol.split(".")}:
        return "of helpers"
    if names and all(name.startswith(QUESTIONS) for name in names):
        return "of questions"
    return "of functions" if names else ""


def _is_class(name: str) -> bool:
    return name.rpartition(".")[2][:1].isupper()


def _listed(coupling: Coupling) -> list[str]:
    names = coupling.details.get("names", [])
    return [str(each) for each in names] if isinstance(names, list) else []


def _names(coupling: Coupling) -> dict[str, Any]:
    target_app = "the other app" if coupling.target == EVERY else coupling.target
    return {
        "source": coupling.source_symbol,
        "source_app": coupling.source,
        "target": coupling.target_symbol,
        "target_app": target_app,
        "names": ", ".join(_listed(coupling)) or coupling.target_symbol,
    }


def _commands(found: Way, coupling: Coupling) -> Iterator[str]:
    """Of an import of several functions one for each; none if what it needs is not known."""
    command = found.command
    for call in _calls(coupling):
        if call and "{call}" in command:
            yield command.format(call=call)
    relation = seen.relation(coupling) if coupling.kind == "cascade" else coupling.source_symbol
    if relation and "{relation}" in command:
        yield command.format(relation=relation)


def _calls(coupling: Coupling) -> list[str]:
    if coupling.kind == "transaction":
        return [seen.call(coupling)]
    if coupling.kind != "import":
        return [coupling.target_symbol]
    names = _listed(coupling) or ["FUNCTION"]
    return [f"{coupling.target_symbol}.{name}" for name in names]


def _doubts(way: Way, coupling: Coupling) -> list[str]:
    unsure = "" if coupling.sure else UNSURE
    in_tests = IN_TESTS if coupling.in_tests else ""
    return [each for each in (unsure, in_tests, way.doubt) if each]
