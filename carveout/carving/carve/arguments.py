"""Decides which event replaces each call, and how its arguments reach the subscriber."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import libcst as cst
from django.db.models import Model

from carveout.carving.carve.call_sites import Constant, Site, constant
from carveout.carving.carve.callee import Callee, Parameter
from carveout.carving.carve.decisions import Decisions
from carveout.carving.carve.expressions import code, is_literal
from carveout.carving.carve.problem import Problem
from carveout.carving.survey.dangers.call_graph import Callgraph

NOTHING, CONSTANT, FIELD, ROW = range(4)
"""How a call passes an argument to the subscriber."""
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
    rows: set[str] = field(default_factory=set)
    """Parameters that are rows."""

    def way_of(self, parameter: str) -> int:
        """How these calls pass an argument; a row's field is not named like the parameter."""
        if parameter in self.rows:
            return ROW
        if parameter in self.fields:
            return FIELD
        return CONSTANT if parameter in self.constants else NOTHING

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


class PassedRow(NamedTuple):
    """A parameter that is a row; the event carries what identifies it."""

    parameter: str
    model: type[Model]
    attribute: str
    """The unique field that the event carries."""
    type: str
    is_own: bool
    """Whether it is of the function's own context: then it is read from the database again, and
    not looked up."""
    is_optional: bool = False

    @property
    def field(self) -> str:
        return f"{self.parameter}_{self.attribute}"

    @property
    def read(self) -> str:
        """The expression that reads it from the database."""
        manager = "objects" if hasattr(self.model, "objects") else "_default_manager"
        return f"{self.model.__name__}.{manager}.get({self.attribute}=event.{self.field})"


class Plans:
    """The events by type, and the calls that none of them can replace."""

    def __init__(
        self,
        graph: Callgraph,
        callee: Callee,
        decisions: Decisions,
        key: Key,
        rows: Mapping[str, PassedRow],
    ) -> None:
        """rows: the parameters that are rows."""
        self.graph, self.callee, self.decisions, self.key = graph, callee, decisions, key
        self.rows = rows
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
        if (known.fields, known.constants, known.rows) != (plan.fields, plan.constants, plan.rows):
            fix = f"name another event for it: --event {scope}={context}.Type"
            self._refuse(site, f"it passes other values than the other calls of {type_}", fix)
            return
        known.sites.append(site)
        self.values[site.old] = values

    def agree(self) -> None:
        """Let all calls pass an argument in the same way, since one subscriber receives it."""
        for parameter in self.callee.parameters:
            if parameter.name != self.key.parameter:
                self._agree_on(parameter)

    def _agree_on(self, parameter: Parameter) -> None:
        name, plans = parameter.name, [*self.by_type.values()]
        ways = {plan.way_of(name) for plan in plans}
        default = parameter.default and cst.parse_expression(parameter.default)
        if len(ways) > 1 and default and is_literal(default):
            for plan in plans:
                if plan.way_of(name) == NOTHING:
                    plan.constants[name] = Constant(parameter.default)
        if FIELD in ways:
            for plan in plans:
                if name in plan.constants:
                    self._carry(plan, name, parameter)
        ways = {plan.way_of(name) for plan in plans}
        for plan in plans if len(ways) > 1 else ():
            if plan.way_of(name) != max(ways):
                del self.by_type[plan.type]
                for site in plan.sites:
                    text = f"other calls pass {name} in another way"
                    self._refuse(site, text, f"pass {name} as they do")

    def _carry(self, plan: EventPlan, name: str, parameter: Parameter) -> None:
        """A constant becomes a field of the event, because other events carry it."""
        default = plan.constants.pop(name).text
        plan.fields[name] = parameter.annotation
        for site in plan.sites:
            passed = site.call.bound.get(name)
            self.values[site.old][name] = code(passed) if passed else default

    def _fields(self, site: Site, plan: EventPlan) -> dict[str, str] | None:
        values: dict[str, str] = {}
        for name, value in site.call.bound.items():
            if name == self.key.field:
                plan.fields[name] = self.key.type
                values[name] = code(value)
                continue
            row = self.rows.get(name)
            if row and not is_literal(value):
                if row.is_optional and name != self.key.parameter:
                    text = f"it passes {name}={code(value)}, which may be None"
                    self._refuse(site, text, "call a function that takes no None")
                    return None
                plan.fields[row.field] = row.type
                plan.rows.add(name)
                values[row.field] = _attribute(value, row.attribute)
                continue
            found = constant(self.graph, site, value)
            if found is not None and not self._is_foreign(found):
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
    simple = isinstance(value, cst.Name | cst.Attribute | cst.Call | cst.Subscript)
    return f"{text}.{attribute}" if simple else f"({text}).{attribute}"
