"""The fields that are read of an object: a tree, with the types of a reader and a serializer."""

import ast
import inspect
import textwrap
import typing
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import Model


class Leaf(NamedTuple):
    """A value: its type in a reader, and its serializer field."""

    type: str
    serializer: str


@dataclass
class Fields:
    """What is read of the rows of a model."""

    model: type[Model]
    many: bool = False
    read: dict[str, "Leaf | Fields"] = field(default_factory=dict)

    def models(self) -> Iterator[type[Model]]:
        """Its model, and those whose rows it leads to."""
        yield self.model
        for each in self.read.values():
            if isinstance(each, Fields):
                yield from each.models()

    def leaves(self, before: str = "") -> Iterator[str]:
        """The paths of all values: `lines[].name`."""
        for name, each in self.read.items():
            if isinstance(each, Leaf):
                yield before + name
            else:
                yield from each.leaves(f"{before}{name}{'[]' if each.many else ''}.")


ROW, MANAGER, ROWS = "row", "manager", "rows"


@dataclass(frozen=True)
class Place:
    """An object that is reached from the one that is looked up: a row, or several."""

    root: Fields = field(compare=False, hash=False)
    model: type[Model]
    steps: tuple[tuple[str, bool, type[Model]], ...] = ()
    kind: str = ROW

    def record(self, name: str, leaf: Leaf) -> None:
        at = self.root
        for step, many, model in self.steps:
            below = at.read.setdefault(step, Fields(model, many))
            at = cast("Fields", below)
        at.read[name] = leaf

    def then(self, name: str, model: type[Model], kind: str) -> "Place":
        many = kind == MANAGER
        return Place(self.root, model, (*self.steps, (name, many, model)), kind)

    def of_kind(self, kind: str) -> "Place":
        return Place(self.root, self.model, self.steps, kind)

    def before(self) -> "Place":
        """The row whose relation this is."""
        model = self.steps[-2][2] if len(self.steps) > 1 else self.root.model
        return Place(self.root, model, self.steps[:-1])


class Unread(Exception):
    """An attribute that a lookup can't offer; the message says why."""


def step(place: Place, name: str) -> Place | Leaf:
    """What an attribute of a row is. Raises: Unread: a lookup can't offer it."""
    model = place.model
    if name == "pk":
        return _leaf(model._meta.pk)
    relation = _relation(model, name)
    if relation is not None:
        many = relation.one_to_many or relation.many_to_many
        return place.then(name, relation.related_model, MANAGER if many else ROW)
    for each in model._meta.concrete_fields:
        if name in (each.name, each.attname):
            return _leaf(each)
    static = inspect.getattr_static(model, name, None)
    if isinstance(static, property) or type(static).__name__ == "cached_property":
        return _of_property(model, name, static)
    if callable(static):
        raise Unread(f"it calls {model._meta.label}.{name}(), and a lookup has only values")
    raise Unread(f"{model._meta.label} has no field or property {name!r} that a lookup can offer")


def take(place: Place, name: str) -> Place | None:
    """As `step`; a value is recorded. Returns: None for a value. Raises: Unread, as `step`."""
    if place.kind != ROW:
        raise Unread(f"it uses .{name} of {place.model.__name__} rows")
    after = step(place, name)
    if isinstance(after, Leaf):
        place.record(name, after)
        return None
    return after


def column_of(place: Place) -> str:
    """The attribute of the row before that holds the id of this row; empty if it has none."""
    if not place.steps:
        return ""
    name = place.steps[-1][0]
    try:
        found = place.before().model._meta.get_field(name)
    except FieldDoesNotExist:
        return ""
    return getattr(found, "attname", "") if isinstance(found, models.ForeignKey) else ""


def _relation(model: type[Model], name: str) -> Any:
    every: list[Any] = [*model._meta.get_fields(include_hidden=True)]
    for each in every:
        accessor = each.name
        if each.auto_created and not each.concrete:
            accessor = each.get_accessor_name()
        if each.is_relation and accessor == name and isinstance(each.related_model, type):
            generic = not hasattr(each, "field") and not isinstance(
                each, models.ForeignKey | models.ManyToManyField
            )
            return None if generic else each
    return None


TYPES: tuple[tuple[Any, str, str], ...] = (
    (models.BooleanField, "bool", "BooleanField({})"),
    (models.UUIDField, "UUID", "UUIDField({})"),
    (models.DateTimeField, "datetime", "DateTimeField({})"),
    (models.DateField, "date", "DateField({})"),
    (models.FloatField, "float", "FloatField({})"),
    (models.IntegerField, "int", "IntegerField({})"),
    (models.CharField, "str", "CharField({})"),
    (models.TextField, "str", "CharField({})"),
    (models.FileField, "str", "CharField({})"),
)
"""By model field; the first that fits."""


def _leaf(field_: Any) -> Leaf:
    if isinstance(field_, models.ForeignKey):
        target = _leaf(field_.target_field)
        return _optional(target.type, target.serializer, null=field_.null)
    if isinstance(field_, models.DecimalField):
        options = f"max_digits={field_.max_digits}, decimal_places={field_.decimal_places}"
        return _optional("Decimal", f"DecimalField({options})", null=field_.null)
    for kind, type_, serializer in TYPES:
        if isinstance(field_, kind):
            return _optional(type_, serializer.format(""), null=bool(cast("Any", field_).null))
    label = f"{field_.model._meta.label}.{field_.name}"
    raise Unread(f"the type of {label} is not one that carve knows ({type(field_).__name__})")


def _optional(type_: str, serializer: str, *, null: bool) -> Leaf:
    if not null:
        return Leaf(type_, serializer)
    comma = "" if serializer.endswith("()") else ", "
    return Leaf(f"{type_} | None", f"{serializer[:-1]}{comma}allow_null=True)")


PYTHON = {
    str: Leaf("str", "CharField()"),
    bool: Leaf("bool", "BooleanField()"),
    int: Leaf("int", "IntegerField()"),
    float: Leaf("float", "FloatField()"),
}
DECIMAL = Leaf("Decimal", "DecimalField(max_digits=None, decimal_places=None)")


def _of_property(model: type[Model], name: str, static: Any) -> Leaf:
    function: Any = static.fget if isinstance(static, property) else static.func
    annotation = _annotation(function)
    if annotation in PYTHON:
        return PYTHON[annotation]
    if getattr(annotation, "__name__", "") == "Decimal":
        return DECIMAL
    if annotation is None and (leaf := _of_arithmetic(model, function)):
        return leaf
    file, line = inspect.getsourcefile(function) or "", function.__code__.co_firstlineno
    raise Unread(
        f"the type of the property {model._meta.label}.{name} is not known;"
        f" annotate what it returns (line {line} of {file.rpartition('/')[2]})"
    )


def _annotation(function: Any) -> Any:
    try:
        return typing.get_type_hints(function).get("return")
    except (NameError, TypeError):
        return None


def _of_arithmetic(model: type[Model], function: Any) -> Leaf | None:
    """The type of `return self.price * self.quantity`; None if it is anything else."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError):
        return None
    returned = [each.value for each in ast.walk(tree) if isinstance(each, ast.Return)]
    if len(returned) != 1 or not isinstance(returned[0], ast.BinOp):
        return None
    types = {_type_of(model, each) for each in _operands(returned[0])}
    if types == {"Decimal"} or types == {"Decimal", "int"}:
        return DECIMAL
    return PYTHON[int] if types == {"int"} and _whole(returned[0]) else None


def _operands(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp):
        yield from _operands(node.left)
        yield from _operands(node.right)
    else:
        yield node


def _whole(node: ast.expr) -> bool:
    operators = [each.op for each in ast.walk(node) if isinstance(each, ast.BinOp)]
    return all(isinstance(each, ast.Add | ast.Sub | ast.Mult) for each in operators)


def _type_of(model: type[Model], node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return type(node.value).__name__
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        try:
            return _leaf(model._meta.get_field(node.attr)).type
        except (FieldDoesNotExist, Unread):
            return "?"
    return "?"
