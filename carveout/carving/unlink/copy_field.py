"""Rewrites the field of the model: the same relation, to an own copy and without a constraint."""

import libcst as cst

from carveout.carving.carve import imports, unused_imports
from carveout.carving.carve.expressions import dotted
from carveout.carving.unlink.model_file import plain, wrapped
from carveout.carving.unlink.relation import Relation


def rewrite(text: str, relation: Relation, label: str, action: str) -> str:
    """The file with the relation to the model of this label.

    action: what on_delete becomes; empty: it stays.
    """
    transformer = _Retarget(relation, label, action)
    module = cst.parse_module(text).visit(transformer)
    names = unused_imports.first_names(transformer.replaced)
    changed = unused_imports.without_unused(module.code, relation.source, names)
    return imports.add(changed, [("django.db", "models")] if action else [], lambda _: False)


class _Retarget(cst.CSTTransformer):
    def __init__(self, relation: Relation, label: str, action: str) -> None:
        super().__init__()
        self.relation, self.label, self.action = relation, label, action
        self.path = relation.model.__qualname__.split(".")
        self.inside: list[str] = []
        self.replaced: list[cst.CSTNode] = []

    def visit_ClassDef(self, node: cst.ClassDef) -> None:  # noqa: N802
        self.inside.append(node.name.value)

    def leave_ClassDef(  # noqa: N802
        self, original_node: cst.ClassDef, updated_node: cst.ClassDef
    ) -> cst.ClassDef:
        self.inside.pop()
        return updated_node

    def leave_Assign(  # noqa: N802
        self, original_node: cst.Assign, updated_node: cst.Assign
    ) -> cst.Assign:
        if self._is_field(updated_node.targets[0].target, updated_node.value):
            return updated_node.with_changes(value=self._call(updated_node.value))
        return updated_node

    def leave_AnnAssign(  # noqa: N802
        self, original_node: cst.AnnAssign, updated_node: cst.AnnAssign
    ) -> cst.AnnAssign:
        if self._is_field(updated_node.target, updated_node.value):
            return updated_node.with_changes(value=self._call(updated_node.value))
        return updated_node

    def _is_field(self, target: cst.BaseExpression, value: cst.BaseExpression | None) -> bool:
        is_named = dotted(target) == self.relation.field.name
        return self.inside == self.path and is_named and isinstance(value, cst.Call)

    def _call(self, call: cst.BaseExpression | None) -> cst.Call:
        assert isinstance(call, cst.Call)  # noqa: S101 - `_is_field` says so
        places = ["to", "on_delete"]
        new: dict[str, cst.BaseExpression] = {"to": cst.SimpleString(f'"{self.label}"')}
        if self.action:
            new["on_delete"] = cst.parse_expression(f"models.{self.action}")
        arguments = []
        for place, each in enumerate(call.args):
            name = each.keyword.value if each.keyword else places[place]
            if name in new:
                self.replaced.append(each.value)
                arguments.append(each.with_changes(value=new[name]))
            elif name != "db_constraint":
                arguments.append(each)
        equal = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
        last = cst.Arg(cst.Name("False"), cst.Name("db_constraint"), equal=equal)
        new_call = cst.Call(call.func, [*map(plain, arguments), plain(last)])
        return wrapped(new_call, 4 * len(self.inside) + len(f"{self.relation.field.name} = "))
