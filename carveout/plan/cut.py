"""A cut: what is to be done about one coupling, and the command that does it."""

from typing import Any

import msgspec

from carveout.plan.deletion import deletion
from carveout.plan.way import Way
from carveout.plan.ways import way
from carveout.survey.coupling import EVERY, Coupling

UNSURE = "it was read from names alone: look first whether it is one"
IN_TESTS = "only tests need it"


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


def cut(coupling: Coupling) -> Cut:
    """By kind and form; an unknown form is cut as its kind, an unknown kind in general."""
    found = _way(coupling)
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
        command=_command(found, coupling, names),
        points=points,
        doubts=_doubts(found, coupling),
    )


def _way(coupling: Coupling) -> Way:
    kind, form = coupling.kind, coupling.form
    if kind == "import" and form != "type checking":
        form = _imported(coupling) or form
    if kind == "receiver" and coupling.target == EVERY:
        form = "of every app"
    return way(kind, form)


def _imported(coupling: Coupling) -> str:
    """What is imported, as far as its module and the way it is written tell."""
    module = coupling.target_symbol.rpartition(".")[2]
    if module == "models":
        return "of models"
    if module == "signals":
        return "of signals"
    names = _listed(coupling)
    if names and all(name.isupper() for name in names):
        return "of constants"
    if names and not any(name[:1].isupper() for name in names):
        return "of functions"
    return "of classes" if names else ""


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


def _command(way: Way, coupling: Coupling, names: dict[str, Any]) -> str:
    """Of an import of several functions one command for each."""
    calls = [f"{coupling.target_symbol}.{name}" for name in _listed(coupling)]
    if coupling.kind == "import":
        calls = calls or [f"{coupling.target_symbol}.FUNCTION"]
    each = {way.command.format(call=call, **names): None for call in calls or [names["target"]]}
    return " && ".join(each)


def _doubts(way: Way, coupling: Coupling) -> list[str]:
    unsure = "" if coupling.sure else UNSURE
    in_tests = IN_TESTS if coupling.in_tests else ""
    return [each for each in (unsure, in_tests, way.doubt) if each]
