"""Changes uses that need no decision: what only needs the id takes it from the row."""

from collections.abc import Iterable
from typing import cast

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from carveout.carving.carve.expressions import dotted
from carveout.carving.survey.model_inference import Rows
from carveout.carving.survey.sources import SourceFile
from carveout.carving.unlink.relation import Relation
from carveout.carving.unlink.uses import Use

BY_ID = {"", "isnull"}
"""Lookups that mean the same on the id."""


def edited(
    text: str, source: SourceFile, relation: Relation, uses: Iterable[Use], rows: Rows
) -> tuple[str, set[Use]]:
    """The file after its mechanical edits, and the uses that they change."""
    sure = [each for each in uses if each.sure and each.file == source.file]
    if not sure:
        return text, set()
    edits = _UseEdits(source, relation, sure, rows)
    return MetadataWrapper(cst.parse_module(text)).visit(edits).code, edits.done


SHOWN = {"list_display", "list_display_links", "fields", "readonly_fields"}
"""Options of admin classes that also show a column."""


class _Strings(cst.CSTTransformer):
    def __init__(self, old: str, new: str) -> None:
        super().__init__()
        self.old, self.new = old, new

    def leave_SimpleString(  # noqa: N802
        self, original_node: cst.SimpleString, updated_node: cst.SimpleString
    ) -> cst.SimpleString:
        if updated_node.evaluated_value != self.old:
            return updated_node
        quote = updated_node.quote
        return updated_node.with_changes(value=f"{updated_node.prefix}{quote}{self.new}{quote}")


class _UseEdits(cst.CSTTransformer):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, source: SourceFile, relation: Relation, uses: list[Use], rows: Rows) -> None:
        super().__init__()
        self.source, self.relation, self.uses, self.rows = source, relation, uses, rows
        self.done: set[Use] = set()
        self.scopes: list[str] = []

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:  # noqa: N802
        self.scopes.append(node.name.value)

    def leave_FunctionDef(  # noqa: N802
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FunctionDef:
        self.scopes.pop()
        return updated_node

    def visit_ClassDef(self, node: cst.ClassDef) -> None:  # noqa: N802
        self.scopes.append(node.name.value)

    def leave_ClassDef(  # noqa: N802
        self, original_node: cst.ClassDef, updated_node: cst.ClassDef
    ) -> cst.ClassDef:
        self.scopes.pop()
        return updated_node

    def leave_Attribute(  # noqa: N802
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        """`notification.order.pk` becomes `notification.order_id`."""
        inner, keys = updated_node.value, {"pk", self.relation.to.name}
        if not isinstance(inner, cst.Attribute) or inner.attr.value != self.relation.field.name:
            return updated_node
        chain = dotted(original_node)
        found = [each for each in self._at(original_node) if each.what.startswith(chain)]
        if updated_node.attr.value not in keys or not found:
            return updated_node
        self.done.update(found)
        return inner.with_changes(attr=cst.Name(self.relation.field.attname))

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.Call:  # noqa: N802
        """`create(order=order)` becomes `create(order_id=order.pk)`."""
        name = dotted(original_node.func)
        found = [
            each
            for each in self._at(original_node)
            if each.what == f"{name}({self.relation.field.name}=…)"
        ]
        if not found:
            return updated_node
        arguments = [self._argument(each) for each in updated_node.args]
        if arguments != list(updated_node.args):
            self.done.update(found)
        return updated_node.with_changes(args=arguments)

    def leave_Assign(  # noqa: N802
        self, original_node: cst.Assign, updated_node: cst.Assign
    ) -> cst.Assign:
        """`list_display = ["order"]` becomes `list_display = ["order_id"]`."""
        names = {dotted(each.target) for each in original_node.targets}
        field = self.relation.field
        found = [
            each
            for each in self._at(original_node)
            if (each.what, each.becomes) == (field.name, field.attname)
        ]
        if not found or not names or not names <= SHOWN:
            return updated_node
        self.done.update(found)
        renamed = _Strings(field.name, field.attname)
        value = cast("cst.BaseExpression", updated_node.value.visit(renamed))
        return updated_node.with_changes(value=value)

    def _argument(self, argument: cst.Arg) -> cst.Arg:
        field = self.relation.field
        keyword = argument.keyword.value if argument.keyword else ""
        first, _, lookup = keyword.partition("__")
        if first != field.name or lookup not in BY_ID:
            return argument
        value = argument.value
        if not lookup and not self._is_none(value):
            if not self._is_row(value):
                return argument
            value = cst.Attribute(value, cst.Name(self._key()))
        return argument.with_changes(
            keyword=cst.Name(keyword.replace(field.name, field.attname, 1)), value=value
        )

    def _key(self) -> str:
        return "pk" if self.relation.to.primary_key else self.relation.to.name

    def _is_none(self, value: cst.BaseExpression) -> bool:
        return isinstance(value, cst.Name) and value.value == "None"

    def _is_row(self, value: cst.BaseExpression) -> bool:
        """Whether an expression is surely, or by its name, a row of the target."""
        chain = dotted(value)
        model, _ = self.rows.of(self.source, chain, ".".join(self.scopes), strictly=True)
        return bool(chain) and model is self.relation.target

    def _at(self, node: cst.CSTNode) -> list[Use]:
        where = self.get_metadata(PositionProvider, node)
        return [each for each in self.uses if where.start.line <= each.line <= where.end.line]
