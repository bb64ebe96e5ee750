"""Finds where a function is called, and what each call passes."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import libcst as cst

from carveout.carving.carve import seam_rewrite
from carveout.carving.carve.callee import Callee
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
    for source in graph.sources:
        mentioned = callee.function in source.path.read_text("utf-8", errors="replace")
        if not mentioned or source.in_tests or source.migration:
            continue

        def is_callee(name: str, scope: str, line: int, source: SourceFile = source) -> bool:
            if (line, name) in by_line[source.facts.module]:
                return True
            resolved = source.facts.resolve(name, scope)
            at_home = source is callee.source and name == callee.inside
            return at_home or graph.sources.origin(resolved) == callee.name

        text = source.path.read_bytes().decode("utf-8")
        found = seam_rewrite.find(text, source.file, callee, is_callee)
        if found.calls or found.problems or found.already:
            yield FileUses(source, found)


def named_by_strings(graph: Callgraph, callee: Callee) -> Iterator[Problem]:
    """Strings that name the function: they still work, but a seam does not see such calls."""
    for source in graph.sources:
        for text in source.facts.texts:
            if text.value == callee.name and not source.in_tests:
                yield Problem(
                    source.file, text.line, f'"{text.value}" names it; what that calls is no seam'
                )


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
