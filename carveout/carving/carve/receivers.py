"""Separates what a receiver of a signal does from when it does it.

The receiver stays, with the conditions at its beginning; its work becomes a function, which can be
carved as any other.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import libcst as cst
from django.db.models import Model

from carveout.carving.carve.expressions import dotted, is_docstring
from carveout.carving.carve.problem import CarveRefused
from carveout.carving.survey.kinds.signal_receivers import LiveReceiver, live_receivers
from carveout.carving.survey.model_index import Models
from carveout.carving.survey.sources import SourceFile, Sources

SENT = {"created": "bool", "raw": "bool", "using": "str", "action": "str", "reverse": "bool"}
"""The types of what Django's own signals send."""
WITHOUT_ROW = {
    f"django.db.models.signals.{name}"
    for name in ("pre_init", "post_init", "pre_save", "pre_delete", "post_delete")
}
"""Signals that are sent before a row is as it should be, or when it is gone."""
OF_BOTH_SIDES = "django.db.models.signals.m2m_changed"
REVERSE = "reverse"
PREFIX = "do_"
Statement = cst.BaseStatement | cst.BaseSmallStatement


class Receiver(NamedTuple):
    name: str
    """Its full dotted name."""
    does: str
    """The full dotted name of the function that does its work."""
    models: dict[str, type[Model]]
    """By parameter of that function: the model whose rows the signal is about."""

    @property
    def short(self) -> str:
        return self.name.rpartition(".")[2]


def separate(sources: Sources, name: str) -> Receiver | None:
    """Plan a function for what a receiver does, unless it has one. None if it is no receiver.

    Raises: CarveRefused: its work can't be separated.
    """
    name = sources.origin(name)
    heard = [each for each in live_receivers(sources) if ".".join(each.function) == name]
    module, _, function = name.rpartition(".")
    source = sources.by_module.get(module)
    if not heard or source is None:
        return None
    signals = {each.signal for each in heard}
    sender = _sender(sources, heard)
    sides = _sides(sources, sender) if sender and OF_BOTH_SIDES in signals else ()
    separated = _Separated(source, function, sender, sides)
    model = separated.model
    for signal in sorted(signals & WITHOUT_ROW):
        last = signal.rpartition(".")[2]
        raise separated.refused(f"it receives {last}, and then the row can't be looked up")
    if separated.text != source.text:
        sources.plan(source, separated.text)
    of = dict.fromkeys(("instance", _plain(model)), model) if model else {}
    return Receiver(name, f"{module}.{PREFIX}{function}", of)


def _sender(sources: Sources, heard: Iterable[LiveReceiver]) -> type[Model] | None:
    """The model that sends, if it is only one."""
    by_id = {id(model): model for model in Models(sources.project).all}
    found = {each.sender_id for each in heard}
    return by_id.get(found.pop()) if len(found) == 1 else None


def _sides(sources: Sources, through: type[Model]) -> Sequence[type[Model]]:
    """The model that has the many-to-many field with this table, and the one that it leads to."""
    for model in Models(sources.project).all:
        for field in model._meta.local_many_to_many:
            if field.remote_field.through is through:
                return model, field.related_model
    return ()


def _plain(model: type[Model] | None) -> str:
    return str(model._meta.model_name) if model else ""


class _Separated:
    """The text of a file in which a receiver calls a function that does its work."""

    def __init__(
        self,
        source: SourceFile,
        function: str,
        sender: type[Model] | None,
        sides: Sequence[type[Model]],
    ) -> None:
        self.source, self.function, self.model = source, function, sender
        module = cst.parse_module(source.text)
        defined = {
            each.name.value: place
            for place, each in enumerate(module.body)
            if isinstance(each, cst.FunctionDef)
        }
        if function not in defined:
            raise self.refused("it is not a function at the top of its module")
        place = defined[function]
        receiver = module.body[place]
        if sides:
            self.model = self._side(receiver, *sides)  # type: ignore[arg-type]
        if f"{PREFIX}{function}" in defined:
            self.text = source.text
            return
        body = [*module.body]
        body[place : place + 1] = self._two(receiver)  # type: ignore[arg-type]
        self.text = module.with_changes(body=body).code

    def _side(
        self, receiver: cst.FunctionDef, model: type[Model], other: type[Model]
    ) -> type[Model]:
        """The side of a many-to-many field whose rows reach the receiver's work."""
        if model is other:
            return model
        kept, _ = _split(receiver.body.body)
        for reverse in (False, True):
            if any(_goes_on_if(each, REVERSE, reverse) for each in kept):
                return other if reverse else model
        names = f"{model.__name__} and {other.__name__}"
        ours, theirs = (f"a {each.__name__}" for each in (model, other))
        raise CarveRefused(
            f"{self._at}: the receiver {self.function} can't be carved: its signal is sent by"
            f" {names}, and an event is about one of them. Fix: take {REVERSE} as a parameter, and"
            f" begin with `if {REVERSE}: return` if the instance is {ours}, or with"
            f" `if not {REVERSE}: return` if it is {theirs}."
        )

    def _two(self, receiver: cst.FunctionDef) -> list[cst.FunctionDef]:
        if receiver.asynchronous:
            raise self.refused("it is async, and subscribers are not")
        if not isinstance(receiver.body, cst.IndentedBlock):
            raise self.refused("it does nothing")
        kept, moved = _split(receiver.body.body)
        if not moved:
            raise self.refused("it does nothing")
        used = _Used()
        for each in moved:
            each.visit(used)
        given = self._parameters(receiver, used)
        renamed = self._renamed(given, used)
        call = f"{PREFIX}{self.function}({', '.join(each.name.value for each in given)})\n"
        kept = _with_last(kept, cst.parse_statement(call))
        parameters = [_annotated(each, renamed.get(each.name.value, "")) for each in given]
        work = cst.FunctionDef(
            cst.Name(f"{PREFIX}{self.function}"),
            cst.Parameters(parameters),
            cst.IndentedBlock([each.visit(_Rename(renamed)) for each in _unspaced(moved)]),  # type: ignore[misc]
            leading_lines=[cst.EmptyLine(indent=False)] * 2,
            returns=receiver.returns,
        )
        return [receiver.with_changes(body=receiver.body.with_changes(body=kept)), work]

    def _parameters(self, receiver: cst.FunctionDef, used: "_Used") -> list[cst.Param]:
        """What the work needs of what the signal sends."""
        if used.returns:
            raise self.refused("what it returns goes to the code that sends the signal")
        every = receiver.params
        for rest in (every.star_arg, every.star_kwarg):
            if isinstance(rest, cst.Param) and rest.name.value in used.names:
                why = f"it reads {rest.name.value}; make what it reads a parameter"
                raise self.refused(why)
        named = [*every.posonly_params, *every.params, *every.kwonly_params]
        for name in ("sender", "signal"):
            if name in used.names:
                raise self.refused(f"it uses {name}, which an event can't carry")
        return [each for each in named if each.name.value in used.names]

    def _renamed(self, given: Sequence[cst.Param], used: "_Used") -> dict[str, str]:
        """`instance` gets the name of its model, unless that name is taken."""
        plain = _plain(self.model)
        is_given = any(each.name.value == "instance" for each in given)
        return {"instance": plain} if plain and is_given and plain not in used.names else {}

    def refused(self, why: str) -> CarveRefused:
        return CarveRefused(
            f"{self._at}: the receiver {self.function} can't be carved: {why}. Fix: write a"
            " function for its work, call that, and carve it."
        )

    @property
    def _at(self) -> str:
        definition = self.source.facts.definitions.get(self.function)
        return f"{self.source.file}:{definition.line if definition else 1}"


def _goes_on_if(each: cst.CSTNode, name: str, value: bool) -> bool:
    """Does a condition at the beginning let the rest run only if a parameter has this value?"""
    if not isinstance(each, cst.If):
        return False
    if _is_guard(each):
        return any(_is(part, name, not value) for part in _parts(each.test, cst.Or))
    inside = any(_goes_on_if(inner, name, value) for inner in each.body.body)
    return inside or any(_is(part, name, value) for part in _parts(each.test, cst.And))


def _parts(test: cst.BaseExpression, operator: type[cst.BaseBooleanOp]) -> list[cst.BaseExpression]:
    """The expressions that `and`, or `or`, joins."""
    if isinstance(test, cst.BooleanOperation) and isinstance(test.operator, operator):
        return [*_parts(test.left, operator), *_parts(test.right, operator)]
    return [test]


def _is(test: cst.BaseExpression, name: str, value: bool) -> bool:
    """Is this the name itself, or `not` and the name?"""
    if isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not):
        return _is(test.expression, name, not value)
    return value and isinstance(test, cst.Name) and test.value == name


def _split(
    body: Sequence[Statement],
) -> tuple[list[Statement], list[Statement]]:
    """What stays in the receiver, its docstring and conditions, and what is its work."""
    kept: list[Statement] = []
    for place, each in enumerate(body):
        rest = [*body[place:]]
        if (place == 0 and is_docstring(each)) or _is_guard(each):
            kept.append(each)
        elif len(rest) == 1 and isinstance(each, cst.If) and _is_plain_condition(each):
            inner, moved = _split(each.body.body)
            block = each.body.with_changes(body=inner)
            return [*kept, each.with_changes(body=block)], moved
        else:
            return kept, rest
    return kept, []


def _with_last(kept: list[Statement], last: Statement) -> list[Statement]:
    """The statements with one more at the end, or at the end of the condition there."""
    if kept and isinstance(kept[-1], cst.If) and not _is_guard(kept[-1]):
        block = kept[-1].body
        inner = _with_last([*block.body], last)
        return [*kept[:-1], kept[-1].with_changes(body=block.with_changes(body=inner))]
    return [*kept, last]


def _is_guard(each: Statement) -> bool:
    """`if raw: return`"""
    if not isinstance(each, cst.If) or not _is_plain_condition(each) or len(each.body.body) != 1:
        return False
    inner = each.body.body[0]
    small = inner.body[0] if isinstance(inner, cst.SimpleStatementLine) else inner
    return isinstance(small, cst.Return) and (small.value is None or dotted(small.value) == "None")


def _is_plain_condition(each: cst.If) -> bool:
    used = _Used()
    each.test.visit(used)
    return each.orelse is None and not used.assigns


def _unspaced(moved: Sequence[Statement]) -> list[Statement]:
    """The statements without the blank lines before the first."""
    lines = getattr(moved[0], "leading_lines", ())
    kept = [each for each in lines if each.comment is not None]
    return [moved[0].with_changes(leading_lines=kept), *moved[1:]]


def _annotated(each: cst.Param, renamed: str) -> cst.Param:
    annotation = each.annotation
    if annotation is None and (type_ := SENT.get(each.name.value)):
        annotation = cst.Annotation(cst.Name(type_))
    name = cst.Name(renamed or each.name.value)
    return cst.Param(name, annotation)


class _Used(cst.CSTVisitor):
    """Names that are used, as far as they may be variables."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.returns = self.assigns = False

    def visit_Attribute(self, node: cst.Attribute) -> bool:  # noqa: N802
        node.value.visit(self)
        return False

    def visit_Arg(self, node: cst.Arg) -> bool:  # noqa: N802
        node.value.visit(self)
        return False

    def visit_Name(self, node: cst.Name) -> None:  # noqa: N802
        self.names.add(node.value)

    def visit_NamedExpr(self, node: cst.NamedExpr) -> None:  # noqa: N802
        self.assigns = True

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:  # noqa: N802
        inner = _Used()
        node.body.visit(inner)
        self.names |= inner.names
        return False

    def visit_Return(self, node: cst.Return) -> None:  # noqa: N802
        self.returns |= node.value is not None and dotted(node.value) != "None"


class _Rename(cst.CSTTransformer):
    """Gives variables another name."""

    def __init__(self, names: dict[str, str]) -> None:
        super().__init__()
        self.of = names

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:  # noqa: N802
        return cst.Name(self.of.get(original_node.value, original_node.value))

    def leave_Attribute(  # noqa: N802
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.Attribute:
        return updated_node.with_changes(attr=original_node.attr)

    def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:  # noqa: N802
        return updated_node.with_changes(keyword=original_node.keyword)
