"""Finds the cut for one coupling: what to do, and the command that does it."""

from collections.abc import Iterator
from typing import Any

import msgspec

from carveout.carving.plan import seen
from carveout.carving.plan.classify import classify, needed
from carveout.carving.plan.rules.on_delete import deletion
from carveout.carving.plan.rules.rule import AND, CutRule, parted
from carveout.carving.plan.rules.table import rule_for
from carveout.carving.survey.coupling import EVERY, Coupling

UNSURE = "inferred from names alone: check first whether it is a coupling"
IN_TESTS = "only tests need it"


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    to: str
    """What the coupling becomes: `event`, `id and lookup`."""
    text: str
    """What to do, naming both sides."""
    command: str
    """The command that does it; empty if only a person can."""
    points: float
    """The work it takes, see `rules`. For unsure couplings and those of tests, see `cut_line`."""
    doubts: list[str]
    """What a person has to check first; empty if nothing."""

    @property
    def commands(self) -> list[str]:
        return parted(self.command)

    @property
    def sure(self) -> bool:
        return not self.doubts


def cut(coupling: Coupling, shared: bool = False) -> Cut:
    """The cut by kind and form. An unknown form is cut as its kind, an unknown kind generally.

    `shared`: many apps import the module that it imports.
    """
    found = rule_for(coupling.kind, classify(coupling, shared))
    names = _names(coupling)
    text = found.text.format(**names)
    points = found.points
    constants, others = needed(coupling)
    if constants and others and found.to not in ("falls away", "copy"):
        also = rule_for("import", "of constants").text
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


def _commands(found: CutRule, coupling: Coupling) -> Iterator[str]:
    """One command for each function; none if they are not known, or for tests."""
    command = "" if coupling.in_tests else found.command
    for call in _calls(coupling):
        if call and "{call}" in command:
            yield command.format(call=call)
    relation = seen.relation(coupling) if coupling.kind == "cascade" else coupling.source_symbol
    if relation and "{relation}" in command:
        yield command.format(relation=relation)


def _calls(coupling: Coupling) -> list[str]:
    """Functions that, by the survey, the target app's own modules define."""
    if coupling.kind == "transaction":
        return [seen.call(coupling)]
    return coupling.listed("calls") or coupling.listed("functions")


def _doubts(rule: CutRule, coupling: Coupling) -> list[str]:
    unsure = "" if coupling.sure else UNSURE
    in_tests = IN_TESTS if coupling.in_tests else ""
    return [each for each in (unsure, in_tests, rule.doubt) if each]
