"""Finds where a function is called, and what each call passes."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import libcst as cst

from carveout.carving.carve import seam_rewrite
from carveout.carving.carve.callee import Callee, canonical
from carveout.carving.carve.expressions import code, dotted, is_literal
from carveout.carving.carve.imports import Wanted
from carveout.carving.carve.problem import Problem
from carveout.carving.survey.dangers.call_graph import Callgraph
from carveout.carving.survey.sources import SourceFile


class Site(NamedTuple):
    """A call that can be a seam."""

    source: SourceFile
    old: cst.Call
    call: seam_rewrite.CallUse


class Constant(NamedTuple):
    """A value that is the same in each run: its text in another file, and what that imports."""

    text: str
    wanted: tuple[Wanted, ...] = ()
    module: str = ""
    """The first-party module that defines it; empty if none does."""


class FileUses(NamedTuple):
    source: SourceFile
    found: seam_rewrite.Found

    @property
    def sites(self) -> list[Site]:
        return [Site(self.source, old, call) for old, call in self.found.calls]


def uses(graph: Callgraph, callee: Callee) -> Iterator[FileUses]:
    """The uses of a function, by file; tests and migrations are left alone."""
    by_line: dict[str, set[tuple[int, str]]] = defaultdict(set)
    for source, call in graph.callers(callee.name):
        by_line[source.facts.module].add((call.line, call.name))

    def in_file(source: SourceFile) -> Iterator[FileUses]:
        if source.in_tests or source.migration or callee.method not in source.text:
            return
        names = _NamesOfFile(graph, callee, source, by_line[source.facts.module])
        found = seam_rewrite.find(source.text, source.file, callee, names)
        if found.calls or found.problems or found.already:
            yield FileUses(source, found)

    return graph.sources.each(in_file)


class _NamesOfFile:
    """What the names in one file stand for; see `seam_rewrite.Names`."""

    def __init__(
        self, graph: Callgraph, callee: Callee, source: SourceFile, called: set[tuple[int, str]]
    ) -> None:
        self.graph, self.callee, self.source, self.called = graph, callee, source, called

    def is_callee(self, name: str, scope: str, line: int) -> bool:
        if (line, name) in self.called:
            return True
        resolved = self.source.facts.resolve(name, scope)
        at_home = self.source is self.callee.source and name == self.callee.inside
        if at_home or canonical(self.graph.sources, resolved) == self.callee.name:
            return True
        before, _, method = name.rpartition(".")
        holder = self.callee.holder
        if holder is None or method != self.callee.method:
            return False
        return self._class_of(before, scope) == holder.name

    def may_be(self, name: str, scope: str) -> bool:
        if self.callee.holder is None:
            return False
        known = self.graph.named(self.source, name, scope) if name else ""
        return not self.graph.sources.is_function(known) and not self._is_of_a_library(known)

    def _is_of_a_library(self, name: str) -> bool:
        first = name.partition(".")[0]
        imported = {each.partition(".")[0] for each in self.source.facts.names.values()}
        is_theirs = first in imported and not self.graph.sources.module_of(name)
        return is_theirs and not name.startswith("typing.Any.")

    def objection(self, name: str, scope: str) -> tuple[str, str] | None:
        holder = self.callee.holder
        if holder is None:
            return None
        before = name.rpartition(".")[0]
        held = self.source.facts.variables.get(f"{scope}:{before}", "")
        resolved = self._in_module(self.source.facts.resolve(before, scope))
        if resolved == holder.name and not held:
            return f"it is called through its class {before}", f"call it on a {before}"
        if before == "self":
            return self._of_another(f"{self.source.facts.module}.{scope.rpartition('.')[0]}")
        if holder.model is None and held and not held.endswith("()"):
            why = f"`{before}` comes from elsewhere, and a subscriber makes an object of its own"
            return why, f"make the {resolved.rpartition('.')[2]} here"
        if holder.model is None:
            return self._of_another(self._class_of(before, scope))
        model, _ = self.graph.rows.of(self.source, before, scope)
        if model is None:
            return f"the class of `{before}` is not known", f"annotate {before}"
        return self._of_another(f"{model.__module__}.{model.__qualname__}")

    def _in_module(self, name: str) -> str:
        """A name at the top of a module, in full."""
        full = name if "." in name else f"{self.source.facts.module}.{name}"
        return self.graph.sources.origin(full)

    def _class_of(self, name: str, scope: str) -> str:
        """The class that an object is made of; if the code does not show it, its own name."""
        facts = self.source.facts
        if name.startswith("self."):
            name = facts.variables.get(f"{scope.rpartition('.')[0]}.__init__:{name}", name)
        resolved = self._in_module(facts.resolve(name, scope).removesuffix("()"))
        held = self.graph.sources.own_definition(resolved)
        if held is not None and held.value.endswith("()"):
            home = self.graph.sources.by_module[resolved.rpartition(".")[0]]
            made = home.facts.resolve(held.value.removesuffix("()"))
            resolved = made if "." in made else f"{home.facts.module}.{made}"
        return self.graph.sources.origin(resolved)

    def _of_another(self, found: str) -> tuple[str, str] | None:
        if self.callee.holder is None or found == self.callee.holder.name:
            return None
        last = found.rpartition(".")[2]
        return (
            f"its object is a {last}, which a subscriber does not know",
            f"carve a function that takes what identifies the {last}",
        )


def guesses(graph: Callgraph, callee: Callee, site: Site) -> Iterator[Problem]:
    """Where the class of an object is taken from the name of a variable."""
    row = callee.row_of(site.call.bound)
    model, is_sure = None, True
    if row is not None:
        model, is_sure = graph.rows.of(site.source, dotted(row), site.call.scope)
    if row is not None and model is not None and not is_sure:
        text = f"{code(row)} is taken for a {model.__name__} because of a variable's name"
        yield Problem(site.source.file, site.call.line, text)


def named_by_strings(graph: Callgraph, callee: Callee) -> Iterator[Problem]:
    """Strings that name the function: they still work, but a seam does not see such calls."""
    for source in graph.sources:
        for text in source.facts.texts:
            if text.value == callee.name and not source.in_tests:
                what = f'"{text.value}" names it; a call through that string goes past the seam'
                yield Problem(source.file, text.line, what)


def constant(graph: Callgraph, site: Site, value: cst.BaseExpression) -> Constant | None:
    """The constant that an argument is; None if it is not one."""
    if is_literal(value):
        return Constant(code(value))
    name = dotted(value)
    first = name.partition(".")[0]
    facts = site.source.facts
    if not name or "()" in name or f"{site.call.scope}:{first}" in facts.variables:
        return None
    at_top = facts.definitions.get(first)
    if first not in facts.names and (at_top is None or at_top.function):
        return None
    resolved = facts.names.get(first, f"{facts.module}.{first}") + name[len(first) :]
    resolved = graph.sources.origin(resolved)
    module = graph.sources.module_of(resolved)
    if module:
        rest = resolved.removeprefix(f"{module}.")
        return Constant(rest, ((module, rest.partition(".")[0]),), module)
    holder, _, imported = facts.names.get(first, "").rpartition(".")
    return Constant(name, ((holder, imported),) if holder else ((first, ""),))
