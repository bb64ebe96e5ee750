"""Edits code that takes a row so that it takes what was looked up too."""

from collections.abc import Iterable
from dataclasses import dataclass

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from carveout.carving.carve.expressions import code


@dataclass(frozen=True)
class IdPassed:
    """A keyword argument that passes an id in the place of a row."""

    file: str
    line: int
    column: int
    keyword: str
    """The new name of the argument."""
    attribute: str
    """The attribute of the passed expression that is the id; it replaces the last one if it has
    the name of the relation."""
    replaces: str = ""


@dataclass(frozen=True)
class Widened:
    """An annotation of a parameter that may be a reader's object too."""

    file: str
    line: int
    column: int
    reader: str
    module: str
    """The module that defines the reader."""


Edit = IdPassed | Widened


def apply(text: str, edits: Iterable[Edit]) -> str:
    """`order=order` becomes `order_id=order.id`, and `order: Order` becomes
    `order: "Order | OrderToTell"`; everything else stays as it is."""
    return MetadataWrapper(cst.parse_module(text)).visit(RowEdits(text, edits)).code


class RowEdits(cst.CSTTransformer):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, text: str, edits: Iterable[Edit]) -> None:
        super().__init__()
        self.is_lazy = "from __future__ import annotations" in text
        lines = text.splitlines()
        self.wanted = {
            (each.line, len(lines[each.line - 1].encode()[: each.column].decode())): each
            for each in edits
        }

    def _edit(self, node: cst.CSTNode) -> Edit | None:
        start = self.get_metadata(PositionProvider, node).start
        return self.wanted.get((start.line, start.column))

    def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:  # noqa: N802
        edit = self._edit(original_node.value)
        if not isinstance(edit, IdPassed) or updated_node.keyword is None:
            return updated_node
        value = updated_node.value
        if edit.replaces and isinstance(value, cst.Attribute):
            value = value.with_changes(attr=cst.Name(edit.attribute))
        else:
            value = cst.Attribute(value, cst.Name(edit.attribute))
        return updated_node.with_changes(keyword=cst.Name(edit.keyword), value=value)

    def leave_Annotation(  # noqa: N802
        self, original_node: cst.Annotation, updated_node: cst.Annotation
    ) -> cst.Annotation:
        edit = self._edit(original_node.annotation)
        old = code(original_node.annotation).strip("\"'")
        if not isinstance(edit, Widened) or edit.reader in old.split(" | "):
            return updated_node
        new = f"{old} | {edit.reader}"  # which is imported for type checkers only
        text = new if self.is_lazy else f'"{new}"'
        return updated_node.with_changes(annotation=cst.parse_expression(text))
