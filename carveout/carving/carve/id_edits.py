"""Passes ids in the place of rows, in code that stores a row as a foreign key."""

from collections.abc import Iterable
from dataclasses import dataclass

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider


@dataclass(frozen=True)
class Edit:
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


def apply(text: str, edits: Iterable[Edit]) -> str:
    """`order=order` becomes `order_id=order.id`; everything else stays as it is."""
    return MetadataWrapper(cst.parse_module(text)).visit(IdEdits(text, edits)).code


class IdEdits(cst.CSTTransformer):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, text: str, edits: Iterable[Edit]) -> None:
        super().__init__()
        lines = text.splitlines()
        self.wanted = {
            (each.line, len(lines[each.line - 1].encode()[: each.column].decode())): each
            for each in edits
        }

    def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:  # noqa: N802
        start = self.get_metadata(PositionProvider, original_node.value).start
        edit = self.wanted.get((start.line, start.column))
        if edit is None or updated_node.keyword is None:
            return updated_node
        value = updated_node.value
        if edit.replaces and isinstance(value, cst.Attribute):
            value = value.with_changes(attr=cst.Name(edit.attribute))
        else:
            value = cst.Attribute(value, cst.Name(edit.attribute))
        return updated_node.with_changes(keyword=cst.Name(edit.keyword), value=value)
