"""Removes the imports that a change left unused, and no others."""

from collections.abc import Iterable, Sequence

import libcst as cst

from carveout.carving.carve.expressions import code, dotted
from carveout.carving.carve.seam_files import NamesIn
from carveout.carving.survey.sources import SourceFile


def first_names(nodes: Iterable[cst.CSTNode]) -> set[str]:
    """The first names of all that these nodes use."""
    used = NamesIn()
    for node in nodes:
        node.visit(used)
    return {dotted(each).partition(".")[0] for each in used.found if dotted(each)}


def without_unused(text: str, source: SourceFile, names: set[str]) -> str:
    """The file without the imports of these names that nothing uses any more."""
    from libcst.codemod import CodemodContext  # takes longer to load than all of libcst
    from libcst.codemod.visitors import RemoveImportsVisitor

    module = cst.parse_module(text)
    package = source.facts.module.rpartition(".")[0]
    context = CodemodContext(full_module_name=source.facts.module, full_package_name=package)
    for statement in module.body:
        for each in statement.body if isinstance(statement, cst.SimpleStatementLine) else ():
            if not isinstance(each, cst.Import | cst.ImportFrom):
                continue
            for alias in () if isinstance(each.names, cst.ImportStar) else each.names:
                bound = alias.evaluated_alias or alias.evaluated_name.partition(".")[0]
                if bound not in names:
                    continue
                origin = source.facts.names.get(bound, "")
                taken = isinstance(each, cst.ImportFrom)
                RemoveImportsVisitor.remove_unused_import(
                    context,
                    origin.rpartition(".")[0] if taken else alias.evaluated_name,
                    alias.evaluated_name if taken else None,
                    alias.evaluated_alias,
                )
    return _apart_as_before(module, RemoveImportsVisitor(context).transform_module(module)).code


def _apart_as_before(old: cst.Module, new: cst.Module) -> cst.Module:
    """Give an import the blank line that came with a removed one before it."""
    before, body = list(old.body), list(new.body)
    for place, statement in enumerate(body):
        skipped = []
        while before and not _same(before[0], statement):
            skipped.append(before.pop(0))
        before = before[1:]
        blank = [line for each in skipped for line in _blank(each)]
        if blank and place and not _blank(statement):
            lines = [*blank[:1], *getattr(statement, "leading_lines", ())]
            body[place] = statement.with_changes(leading_lines=lines)
    return new.with_changes(body=body)


def _same(one: cst.CSTNode, other: cst.CSTNode) -> bool:
    """Whether two statements are the same, but for names that were removed from an import."""
    if isinstance(one, cst.SimpleStatementLine) and isinstance(other, cst.SimpleStatementLine):
        here, there = one.body[0], other.body[0]
        if isinstance(here, cst.ImportFrom) and isinstance(there, cst.ImportFrom):
            same_module = code(here.module or here) == code(there.module or there)
            return same_module and len(here.relative) == len(there.relative)
    return one.deep_equals(other)


def _blank(statement: cst.CSTNode) -> list[cst.EmptyLine]:
    lines: Sequence[cst.EmptyLine] = getattr(statement, "leading_lines", ())
    return [line for line in lines if line.comment is None]
