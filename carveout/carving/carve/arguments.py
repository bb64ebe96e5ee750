"""Decides which event replaces each call, and how its arguments reach the subscriber."""

from dataclasses import dataclass, field

import libcst as cst

from carveout.carving.carve.call_sites import Constant, Site, constant
from carveout.carving.carve.callee import Callee
from carveout.carving.carve.decisions import Decisions
from carveout.carving.carve.expressions import code
from carveout.carving.carve.problem import Problem
from carveout.carving.survey.dangers.call_graph import Callgraph

SCALARS = ("str", "int", "float", "bool")
"""Types that are the same in JSON."""


@dataclass
class EventPlan:
    """An event, and the calls that it replaces."""

    type: str
    sites: list[Site] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    """The fields' types."""
    constants: dict[str, Constant] = field(default_factory=dict)
    """By parameter: what these calls pass to it."""

    @property
    def context(self) -> str:
        return self.type.partition(".")[0]

    @property
    def name(self) -> str:
        return self.type.partition(".")[2]


@dataclass(frozen=True)
class Key:
    """What identifies the object that a call is about."""

    parameter: str
    attribute: str
    """The object's field; empty if the parameter itself is the key."""
    type: str

    @property
    def field(self) -> str:
        return f"{self.parameter}_{self.attribute}" if self.attribute else self.parameter

    @property
    def shown(self) -> str:
        return f"{self.parameter}.{self.attribute}" if self.attribute else self.parameter


class Plans:
    """The events by type, and the calls that none of them can replace."""

    def __init__(self, graph: Callgraph, callee: Callee, decisions: Decisions, key: Key) -> None:
        self.graph, self.callee, self.decisions, self.key = graph, callee, decisions, key
        self.by_type: dict[str, EventPlan] = {}
        self.problems: list[Problem] = []
        self.values: dict[cst.Call, dict[str, str]] = {}
        """By call: the event's fields, and the expressions that fill them."""

    def add(self, site: Site, context: str) -> None:
        """Plan a call. context: the one that it is in."""
        type_ = self.decisions.event_at(site.source.facts.module, site.call.scope, context)
        scope = site.call.scope
        if not type_:
            fix = f"add --event {scope}={context}.Type, with the fact that happened there"
            self._refuse(site, f"no event of {context} is named for the call in {scope}", fix)
            return
        if type_.partition(".")[0] != context:
            fix = f"name an event of {context}"
            self._refuse(site, f"{context} can't publish {type_}, an event of another context", fix)
            return
        plan = EventPlan(type_)
        values = self._fields(site, plan)
        if values is None:
            return
        known = self.by_type.setdefault(type_, plan)
        if (known.fields, known.constants) != (plan.fields, plan.constants):
            fix = f"name another event for it: --event {scope}={context}.Type"
            self._refuse(site, f"it passes other values than the other calls of {type_}", fix)
            return
        known.sites.append(site)
        self.values[site.old] = values

    def _fields(self, site: Site, plan: EventPlan) -> dict[str, str] | None:
        values: dict[str, str] = {}
        for name, value in site.call.bound.items():
            if name == self.key.parameter:
                plan.fields[self.key.field] = self.key.type
                values[self.key.field] = _attribute(value, self.key.attribute)
                continue
            found = constant(self.graph, site, value)
            if found is not None:
                if self._is_foreign(found):
                    text = f"it passes {name}={found.text}, a constant of {found.module}"
                    self._refuse(site, text, "pass its value")
                    return None
                plan.constants[name] = found
                continue
            parameter = self.callee.parameter(name)
            type_ = parameter.annotation if parameter else ""
            if type_ not in SCALARS:
                text = f"it passes {name}={code(value)}, which an event can't carry"
                fix = f"annotate {name} of {self.callee.function} as {', '.join(SCALARS)}, or pass"
                self._refuse(site, text, f"{fix} what identifies it")
                return None
            plan.fields[name] = type_
            values[name] = code(value)
        if self.key.field not in values:
            self._refuse(site, f"it does not pass {self.key.parameter}", "pass it")
            return None
        return values

    def _is_foreign(self, found: Constant) -> bool:
        project = self.graph.sources.project
        if not found.module:
            return False
        return project.context_of(project.app_of(found.module)) != self.callee.context

    def _refuse(self, site: Site, text: str, fix: str) -> None:
        self.problems.append(Problem(site.source.file, site.call.line, text, fix))


def _attribute(value: cst.BaseExpression, attribute: str) -> str:
    text = code(value)
    if not attribute:
        return text
    simple = isinstance(value, cst.Name | cst.Attribute | cst.Call | cst.Subscript)
    return f"{text}.{attribute}" if simple else f"({text}).{attribute}"
