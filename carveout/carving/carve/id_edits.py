"""Passes ids in the place of rows, in code that stores a row as a foreign key."""

from collections.abc import Iterable

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from carveout.carving.carve.reads import Edit


def apply(text: str, edits: Iterable[Edit]) -> str:
    """`order=order` becomes `order_id=order.id`; everything else stays as it is."""
    lines = text.splitlines()
    wanted = {
        (each.line, len(lines[each.line - 1].encode()[: each.column].decode())): each
        for each in edits
    }
    return MetadataWrapper(cst.parse_module(text)).visit(_Edits(wanted)).code


class _Edits(cst.CSTTransformer):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, wanted: dict[tuple[int, int], Edit]) -> None:
        super().__init__()
        self.wanted = wanted

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
