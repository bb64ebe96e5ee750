"""Rewrites the class of the model: the field, and its name in the class's Meta."""

from ast import literal_eval

import libcst as cst

from carveout.carving.carve import imports, unused_imports
from carveout.carving.carve.expressions import LINE_LENGTH, code, dotted
from carveout.carving.carve.problem import Problem
from carveout.carving.unlink.id_field import DROPPED, IdField
from carveout.carving.unlink.relation import Relation

OF_FIELDS = {
    *("ordering", "unique_together", "index_together", "constraints", "indexes"),
    *("get_latest_by", "order_with_respect_to"),
}
"""Options of Meta that name fields."""
ARGUMENTS = {"", "fields", "include", "expression", "expressions"}
"""Arguments inside these whose strings name fields; the empty one is for those by position."""
OF_VALUES = {"Q", "Value"}
"""Calls whose strings are values."""


class InClasses(cst.CSTTransformer):
    """Knows in which classes it is."""

    def __init__(self) -> None:
        super().__init__()
        self.inside: list[str] = []

    def visit_ClassDef(self, node: cst.ClassDef) -> None:  # noqa: N802
        self.inside.append(node.name.value)

    def leave_ClassDef(  # noqa: N802
        self, original_node: cst.ClassDef, updated_node: cst.ClassDef
    ) -> cst.ClassDef:
        self.inside.pop()
        return updated_node


class ModelRewrite(InClasses):
    """The file with the field as an id. `problems`: what has to be changed by hand first."""

    def __init__(self, relation: Relation, new: IdField) -> None:
        super().__init__()
        self.relation, self.new = relation, new
        self.path = relation.model.__qualname__.split(".")
        self.calls: list[str] = []
        self.bare = ""
        """The name of the new field's class, if it has to be imported."""
        self.given: list[tuple[str, str]] = []
        """The arguments around a node: their calls, and their keywords."""
        self.replaced: list[cst.CSTNode] = []
        self.unread: list[str] = []

    # -- The field -----------------------------------------------------------------------------

    def leave_Assign(  # noqa: N802
        self, original_node: cst.Assign, updated_node: cst.Assign
    ) -> cst.Assign:
        target = updated_node.targets[0].target
        call, field = updated_node.value, self.relation.field
        is_field = isinstance(target, cst.Name) and target.value == field.name
        if self.inside == self.path and is_field and isinstance(call, cst.Call):
            self.replaced.append(original_node.value)
            name = updated_node.targets[0].with_changes(target=cst.Name(field.attname))
            return updated_node.with_changes(targets=[name], value=self._call(call))
        return updated_node

    def leave_AnnAssign(  # noqa: N802
        self, original_node: cst.AnnAssign, updated_node: cst.AnnAssign
    ) -> cst.BaseSmallStatement:
        target, call, field = updated_node.target, updated_node.value, self.relation.field
        is_field = isinstance(target, cst.Name) and target.value == field.name
        if self.inside == self.path and is_field and isinstance(call, cst.Call):
            self.replaced.append(call)
            name = cst.AssignTarget(cst.Name(field.attname))
            return cst.Assign([name], self._call(call))
        return updated_node

    def _call(self, call: cst.Call) -> cst.Call:
        kept = [
            each
            for each in call.args
            if each.keyword and each.keyword.value not in DROPPED | self.new.added.keys()
        ]
        names = {each.keyword.value for each in kept if each.keyword}
        added = {name: repr(value) for name, value in self.new.added.items() if name not in names}
        new = cst.Call(self._class(call.func), [*map(plain, kept), *_arguments(added)])
        return wrapped(new, 4 * len(self.inside) + len(f"{self.relation.field.attname} = "))

    def _class(self, func: cst.BaseExpression) -> cst.BaseExpression:
        if isinstance(func, cst.Attribute):
            return func.with_changes(attr=cst.Name(self.new.kind))
        self.bare = self.new.kind
        return cst.Name(self.new.kind)

    # -- Meta ----------------------------------------------------------------------------------

    def _in_meta(self) -> bool:
        return self.inside == [*self.path, "Meta"]

    def visit_Call(self, node: cst.Call) -> None:  # noqa: N802
        self.calls.append(dotted(node.func).rpartition(".")[2])

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.Call:  # noqa: N802
        self.calls.pop()
        return updated_node

    def visit_Arg(self, node: cst.Arg) -> None:  # noqa: N802
        call = self.calls[-1] if self.calls else ""  # a base class is an argument too
        self.given.append((call, node.keyword.value if node.keyword else ""))

    def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:  # noqa: N802
        call, _ = self.given.pop()
        keyword = updated_node.keyword
        if not self._in_meta() or keyword is None or call != "Q":
            return updated_node
        first, lookup, rest = keyword.value.partition("__")
        if first != self.relation.field.name:
            return updated_node
        return updated_node.with_changes(keyword=cst.Name(self._id(f"{first}{lookup}{rest}")))

    def leave_SimpleStatementLine(  # noqa: N802
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.SimpleStatementLine:
        each = original_node.body[0]
        named = isinstance(each, cst.Assign) and dotted(each.targets[0].target)
        return original_node if self._in_meta() and named not in OF_FIELDS else updated_node

    def leave_SimpleString(  # noqa: N802
        self, original_node: cst.SimpleString, updated_node: cst.SimpleString
    ) -> cst.SimpleString:
        value = literal_eval(updated_node.value)
        if not self._in_meta() or not isinstance(value, str) or not self._names_fields():
            return updated_node
        plain = value.lstrip("-")
        if plain.partition("__")[0] != self.relation.field.name:
            return updated_node
        new = value[: len(value) - len(plain)] + self._id(plain)
        return updated_node.with_changes(value=updated_node.value.replace(value, new))

    def _names_fields(self) -> bool:
        """Whether a string here is the name of a field, and no value and no other name."""
        if not self.given:
            return True
        call, keyword = self.given[-1]
        return keyword in ARGUMENTS and call not in OF_VALUES

    def _id(self, path: str) -> str:
        """`order` and `order__isnull`, of the id. A step to another field can't be."""
        first, lookup, rest = path.partition("__")
        if rest in ("pk", "id", self.relation.to.name):
            lookup = rest = ""
        elif rest and rest not in self.relation.to.get_lookups():
            self.unread.append(path)
        return f"{self.relation.field.attname}{lookup}{rest}" if first else path


def wrapped(call: cst.Call, column: int) -> cst.Call:
    """A call on one line, or with a line for each argument if it would be too long."""
    if not call.args:
        return call
    *others, last = call.args
    short = call.with_changes(args=[*others, last.with_changes(comma=cst.MaybeSentinel.DEFAULT)])
    if column + len(code(short)) <= LINE_LENGTH:
        return short
    inside, outside = (
        cst.ParenthesizedWhitespace(indent=True, last_line=cst.SimpleWhitespace(each))
        for each in ("    ", "")
    )
    lines = [
        each.with_changes(comma=cst.Comma(whitespace_after=after))
        for each, after in zip(call.args, [inside] * len(others) + [outside], strict=True)
    ]
    return call.with_changes(args=lines, whitespace_before_args=inside)


def plain(argument: cst.Arg) -> cst.Arg:
    """An argument on one line with the others."""
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    return argument.with_changes(comma=comma, whitespace_after_arg=cst.SimpleWhitespace(""))


def _arguments(given: dict[str, str]) -> list[cst.Arg]:
    equal = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    return [
        plain(cst.Arg(cst.parse_expression(value), cst.Name(name), equal=equal))
        for name, value in given.items()
    ]


def rewrite(text: str, relation: Relation, new: IdField) -> tuple[str, list[Problem]]:
    """The file with the id, and what has to be changed by hand first."""
    transformer = ModelRewrite(relation, new)
    module = cst.parse_module(text).visit(transformer)
    names = unused_imports.first_names(transformer.replaced)
    changed = unused_imports.without_unused(module.code, relation.source, names)
    if transformer.bare:
        changed = imports.add(changed, [("django.db.models", transformer.bare)], lambda _: False)
    problems = [
        Problem(
            relation.source.file,
            relation.line,
            f"Meta of {relation.model.__name__} reaches the other row with {path!r}",
            "remove that",
        )
        for path in transformer.unread
    ]
    return changed, problems
