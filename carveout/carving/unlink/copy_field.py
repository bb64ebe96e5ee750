"""Rewrites the field of the model: the same relation, to an own copy and without a constraint."""

import libcst as cst

from carveout.carving.carve import imports, unused_imports
from carveout.carving.carve.expressions import dotted
from carveout.carving.unlink.model_file import InClasses, plain, wrapped
from carveout.carving.unlink.relation import Relation


def rewrite(text: str, relation: Relation, label: str, action: str) -> str:
    """The file with the relation to the model of this label, and what goes through it.

    action: what on_delete becomes; empty: it stays.
    """
    transformer = _Retarget(relation, label, action)
    module = cst.parse_module(text).visit(transformer)
    names = unused_imports.first_names(transformer.replaced)
    changed = unused_imports.without_unused(module.code, relation.source, names)
    return imports.add(changed, [("django.db", "models")] if action else [], lambda _: False)


class _Retarget(InClasses):
    def __init__(self, relation: Relation, label: str, action: str) -> None:
        super().__init__()
        self.relation, self.label, self.action = relation, label, action
        self.fields = {
            (*each.model.__qualname__.split("."), each.name)
            for each in (relation.field, *relation.followers)
        }
        self.replaced: list[cst.CSTNode] = []

    def leave_Assign(  # noqa: N802
        self, original_node: cst.Assign, updated_node: cst.Assign
    ) -> cst.Assign:
        value = self._new(updated_node.targets[0].target, updated_node.value)
        return updated_node.with_changes(value=value or updated_node.value)

    def leave_AnnAssign(  # noqa: N802
        self, original_node: cst.AnnAssign, updated_node: cst.AnnAssign
    ) -> cst.AnnAssign:
        value = self._new(updated_node.target, updated_node.value)
        return updated_node.with_changes(value=value or updated_node.value)

    def _new(self, target: cst.BaseExpression, value: cst.BaseExpression | None) -> cst.Call | None:
        """The field's new value; None if it is another field."""
        name = dotted(target)
        if (*self.inside, name) not in self.fields or not isinstance(value, cst.Call):
            return None
        is_key = name == self.relation.field.name
        new: dict[str, cst.BaseExpression] = {"to": cst.SimpleString(f'"{self.label}"')}
        if self.action and is_key:
            new["on_delete"] = cst.parse_expression(f"models.{self.action}")
        arguments = []
        for place, each in enumerate(value.args):
            given = each.keyword.value if each.keyword else ("to", "on_delete")[place]
            if given in new:
                self.replaced.append(each.value)
                arguments.append(each.with_changes(value=new[given]))
            elif given != "db_constraint":
                arguments.append(each)
        if is_key:
            equal = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
            arguments.append(cst.Arg(cst.Name("False"), cst.Name("db_constraint"), equal=equal))
        made = cst.Call(value.func, list(map(plain, arguments)))
        return wrapped(made, 4 * len(self.inside) + len(f"{name} = "))
