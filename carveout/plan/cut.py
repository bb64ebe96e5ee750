"""A cut: what is to be done about one coupling, and the command that does it."""

from collections.abc import Iterator
from typing import Any

import msgspec

from carveout.plan import seen
from carveout.plan.deletion import deletion
from carveout.plan.variety import needed, variety
from carveout.plan.way import AND, Way, parted
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
    def commands(self) -> list[str]:
        return parted(self.command)

    @property
    def sure(self) -> bool:
        return not self.doubts


def cut(coupling: Coupling, shared: bool = False) -> Cut:
    """By kind and form; an unknown form is cut as its kind, an unknown kind in general.

    `shared`: many apps import the module that it imports.
    """
    found = way(coupling.kind, variety(coupling, shared))
    names = _names(coupling)
    text = found.text.format(**names)
    points = found.points
    constants, others = needed(coupling)
    if constants and others and found.to not in ("falls away", "copy"):
        also = way("import", "of constants").text
        text += " " + also.format(**{**names, "names": ", ".join(constants)})
    if coupling.details.get("on_delete"):
        follows = deletion(str(coupling.details["on_delete"]))
        text += " " + follows.text.format(**names)
        points += follows.points
    return Cut(
        to=found.to,
        text=text,
        command=AND.join(_commands(found, coupling)),
        points=points,
        doubts=_doubts(found, coupling),
    )


def _names(coupling: Coupling) -> dict[str, Any]:
    target_app = "the other app" if coupling.target == EVERY else coupling.target
    constants, others = needed(coupling)
    return {
        "source": coupling.source_symbol,
        "source_app": coupling.source,
        "target": coupling.target_symbol,
        "target_app": target_app,
        "names": ", ".join(others or constants) or coupling.target_symbol,
    }


def _commands(found: Way, coupling: Coupling) -> Iterator[str]:
    """Of several functions one for each; none if it is not known which."""
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
    _, names = needed(coupling)
    functions = [each for each in names if not each[0].isupper()]
    return coupling.listed("calls") or [f"{coupling.target_symbol}.{each}" for each in functions]


def _doubts(way: Way, coupling: Coupling) -> list[str]:
    unsure = "" if coupling.sure else UNSURE
    in_tests = IN_TESTS if coupling.in_tests else ""
    return [each for each in (unsure, in_tests, way.doubt) if each]
