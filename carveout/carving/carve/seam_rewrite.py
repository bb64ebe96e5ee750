"""Rewrites the calls of a function in one file to seams, and refuses those that can't be one."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from carveout.carving.carve.callee import Callee, Unbound, bind
from carveout.carving.carve.expressions import LINE_LENGTH, UpwardVisitor, code, dotted
from carveout.carving.carve.problem import Problem
from carveout.carving.carve.row_edits import Edit, RowEdits

LOGGING = {
    *("debug", "info", "warning", "error", "exception", "critical", "log", "print"),
    *("capture_exception", "capture_message"),
}
"""What an exception handler may do that only notes the error."""
ENQUEUING = ("delay", "delay_on_commit", "enqueue")
"""Methods of a task that take the arguments of its function: Celery's, RQ's and Django's."""
SEAM = "carveout.seam"


class CallUse(NamedTuple):
    """A call that can be a seam."""

    line: int
    scope: str
    """The function around it."""
    atomic: bool
    """Whether that function opens a transaction around it."""
    bound: dict[str, cst.BaseExpression]


class SeamText(NamedTuple):
    """What a call is replaced by."""

    name: str
    event: str
    """The name of the event's class in this file."""
    fields: dict[str, str]
    """The event's fields, and the expressions that fill them."""


class Found(NamedTuple):
    """The uses of a function in one file."""

    calls: list[tuple[cst.Call, CallUse]]
    """With the expression that a seam replaces."""
    problems: list[Problem]
    already: int
    """Calls that are in a seam."""
    module: cst.Module
    columns: dict[cst.Call, int]


class Names(Protocol):
    """What the dotted names in a file stand for. scope: the function or class around a name."""

    def is_callee(self, name: str, scope: str, line: int) -> bool: ...

    def may_be(self, name: str, scope: str) -> bool:
        """Whether this may be the method, called on an object whose class is not known."""

    def objection(self, name: str, scope: str) -> tuple[str, str] | None:
        """Why such a call can't be a seam although it is the function, and the fix."""


def find(text: str, file: str, callee: Callee, names: Names) -> Found:
    wrapper = MetadataWrapper(cst.parse_module(text))
    search = _Search(file, callee, names)
    wrapper.visit(search)
    return Found(search.calls, search.problems, search.already, wrapper.module, search.columns)


def rewrite(found: Found, seams: dict[cst.Call, SeamText], edits: Iterable[Edit] = ()) -> str:
    """The file with these calls as seams, and with ids in the place of rows; everything else stays
    as it is."""
    replaced = {
        old: cst.parse_expression(_text(old, seam, found.columns[old]))
        for old, seam in seams.items()
    }
    wrapper = MetadataWrapper(found.module, unsafe_skip_copy=True)  # `seams` has its nodes
    return wrapper.visit(_Replace(found.module.code, replaced, edits)).code


def _text(old: cst.Call, seam: SeamText, column: int) -> str:
    indent = "    "  # libcst adds the block's own indentation
    fields = [f"{name}={value}" for name, value in seam.fields.items()]
    event = f"lambda: {seam.event}({', '.join(fields)})"
    if column + len(indent) + len(event) + 1 > LINE_LENGTH:
        inner = "".join(f"\n{indent}    {each}," for each in fields)
        event = f"lambda: {seam.event}({inner}\n{indent})"
    lines = [f'"{seam.name}"', f"lambda: {code(old)}", event]
    body = "".join(f"{indent}{each},\n" for each in lines)
    return f"{SEAM}(\n{body})"


class _Replace(RowEdits):
    def __init__(
        self, text: str, replaced: dict[cst.Call, cst.BaseExpression], edits: Iterable[Edit]
    ) -> None:
        super().__init__(text, edits)
        self.replaced = replaced

    def leave_Call(  # noqa: N802 - libcst's name
        self, original_node: cst.Call, updated_node: cst.Call
    ) -> cst.BaseExpression:
        return self.replaced.get(original_node, updated_node)


class _Search(UpwardVisitor):
    def __init__(self, file: str, callee: Callee, names: Names) -> None:
        super().__init__()
        self.file, self.callee, self.names = file, callee, names
        self.calls: list[tuple[cst.Call, CallUse]] = []
        self.problems: list[Problem] = []
        self.columns: dict[cst.Call, int] = {}
        self.already = 0

    def visit_Import(self, node: cst.Import) -> bool:  # noqa: N802
        return False

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:  # noqa: N802
        return False

    def visit_Call(self, node: cst.Call) -> None:  # noqa: N802
        if self._runs(node.func):
            self._use(node, node.func, node.args)
        elif self._is_partial(node) and node.args and self._runs(node.args[0].value):
            self._use(node, node.args[0].value, node.args[1:])
        elif self._may_be(node.func):
            about = code(node.func).rpartition(".")[0]
            why = f"it may be {self.callee.inside}, but the class of `{about}` is not known"
            self._refuse(node, why, f"annotate {about}")

    def visit_Attribute(self, node: cst.Attribute) -> bool:  # noqa: N802
        self._reference(node)
        return True

    def visit_Name(self, node: cst.Name) -> None:  # noqa: N802
        self._reference(node)

    # -- What a use is -------------------------------------------------------------------------

    def _runs(self, node: cst.CSTNode) -> bool:
        """Whether a call of this runs the function, now or as a job."""
        if isinstance(node, cst.Attribute) and node.attr.value in ENQUEUING:
            return self._names(node.value) or self._names(node)
        return self._names(node)

    def _may_be(self, node: cst.CSTNode) -> bool:
        is_named = isinstance(node, cst.Attribute) and node.attr.value == self.callee.method
        return is_named and self.names.may_be(dotted(node), self._scope(node))

    def _names(self, node: cst.CSTNode) -> bool:
        name = dotted(node)
        end = self.get_metadata(PositionProvider, node).end.line
        return bool(name) and self.names.is_callee(name, self._scope(node), end)

    def _reference(self, node: cst.BaseExpression) -> None:
        """A use of the function as a value, which may be called from anywhere."""
        parent = self._parent(node)
        if isinstance(parent, cst.Attribute) and parent.value is node and self._names(node):
            if not self._is_called(parent):
                why = f"it uses `{code(parent)}`"
                self._refuse(node, why, f"call {self.callee.function} itself")
            return
        if isinstance(parent, cst.Attribute | cst.Param | cst.FunctionDef | cst.Arg) and (
            not isinstance(parent, cst.Arg) or parent.keyword is node
        ):
            return
        if isinstance(parent, cst.Call) and parent.func is node:
            return
        if isinstance(parent, cst.Arg) and self._is_partial(self._parent(parent)):
            return
        if self._names(node) and not isinstance(parent, cst.AssignTarget):
            self._refuse(node, f"`{dotted(node)}` is passed on as a value", "call it here")

    def _is_partial(self, node: cst.CSTNode | None) -> bool:
        return isinstance(node, cst.Call) and dotted(node.func).rpartition(".")[2] == "partial"

    def _is_called(self, node: cst.Attribute) -> bool:
        """Whether this is `tell.delay`, and called or in a `partial`."""
        parent = self._parent(node)
        argument = isinstance(parent, cst.Arg) and self._is_partial(self._parent(parent))
        called = isinstance(parent, cst.Call) and parent.func is node
        return node.attr.value in ENQUEUING and (called or argument)

    def _use(
        self, node: cst.Call, function: cst.BaseExpression, arguments: Sequence[cst.Arg]
    ) -> None:
        around = self._around(node)
        if any(isinstance(each, cst.Call) and dotted(each.func) == SEAM for each in around):
            self.already += 1
            return
        outer = self._statement(node)
        if outer is None:
            self._refuse(node, *self._why_not(node))
            return
        objection = self.names.objection(dotted(function), self._scope(node))
        objection = objection or self._unsaved(function)
        if problem := self._hindrance(outer) or self._inner(outer) or objection:
            self._refuse(node, *problem)
            return
        try:
            bound = bind(self.callee, function, arguments)
        except Unbound as error:
            self._refuse(node, str(error), "pass each argument by itself")
            return
        line = self.get_metadata(PositionProvider, node.func).end.line
        call = CallUse(line, self._scope(outer), is_atomic(self._around(outer)), bound)
        self.calls.append((outer, call))
        self.columns[outer] = self.get_metadata(PositionProvider, outer).start.column

    def _statement(self, node: cst.Call) -> cst.Call | None:
        """The call, or the `on_commit` that it is given to, if that is a statement."""
        if isinstance(self._parent(node), cst.Expr):
            is_partial = self._is_partial(node) and not self._runs(node.func)
            return None if is_partial else node
        inner: cst.CSTNode = node
        if isinstance(self._parent(inner), cst.Lambda):
            inner = self._parent(inner)
        elif self._runs(node.func):
            return None
        argument = self._parent(inner)
        outer = self._parent(argument)
        later = isinstance(outer, cst.Call) and dotted(outer.func).endswith("on_commit")
        if later and isinstance(argument, cst.Arg) and isinstance(self._parent(outer), cst.Expr):
            return outer  # type: ignore[return-value]
        return None

    def _why_not(self, node: cst.Call) -> tuple[str, str]:
        parent = self._parent(node)
        around = list(self._around(node))
        if isinstance(parent, cst.Await):
            return "it is awaited", "events are published in synchronous code"
        if any(isinstance(each, cst.CompFor | cst.BaseComp) for each in around):
            return "it is in a comprehension", _LOOP
        if any(isinstance(each, cst.Lambda) for each in around) or self._is_partial(node):
            return "it runs later, from somewhere else", "call it here"
        return "its return value is used", "read what it returns through a lookup"

    def _hindrance(self, node: cst.Call) -> tuple[str, str] | None:
        """A statement around the call, inside the same function, that a seam can't be in."""
        inner: cst.CSTNode = node
        around = list(self._around(node))
        for each in around:
            if isinstance(each, cst.FunctionDef):
                if each.asynchronous:
                    return "it is in an async function", "events are published in synchronous code"
                if each.name.value == "ready" and any(map(_is_app_config, around)):
                    return "it runs when a process starts", "move what it needs into a library"
                return None
            if isinstance(each, cst.ClassDef):
                break
            if isinstance(each, cst.For | cst.While):
                return "it is in a loop", _LOOP
            if isinstance(each, cst.Try | cst.TryStar) and inner is each.body:
                acting = next((h for h in each.handlers if not _only_notes(h.body)), None)
                if acting is not None:
                    line = self.get_metadata(PositionProvider, acting).start.line
                    return (
                        f"its exceptions are caught and acted upon in line {line}, and with an"
                        " event they are raised later and elsewhere",
                        "move what line depends on them into the function",
                    )
            inner = each
        return "it runs when the module is imported", "call it in a function"

    def _unsaved(self, function: cst.BaseExpression) -> tuple[str, str] | None:
        """Whether the object of a method was changed here, which a subscriber does not see."""
        if self.callee.holder is None or not isinstance(function, cst.Attribute):
            return None
        name = dotted(function.value)
        around = next((e for e in self._around(function) if isinstance(e, cst.FunctionDef)), None)
        changes = _Changes(name)
        if name and name != "self" and around is not None:
            around.visit(changes)
        if not changes.found or (changes.saved and self.callee.holder.model):
            return None
        return f"{name} is changed here, which a subscriber does not see", "save it first"

    def _inner(self, node: cst.Call) -> tuple[str, str] | None:
        """An expression inside the call that means something else in a lambda."""
        seen = _Kinds()
        node.visit(seen)
        if seen.found:
            return f"its arguments use {seen.found}", "assign them to variables first"
        return None

    # -- The tree ------------------------------------------------------------------------------

    def _scope(self, node: cst.CSTNode) -> str:
        names = [
            each.name.value
            for each in self._around(node)
            if isinstance(each, cst.FunctionDef | cst.ClassDef)
        ]
        return ".".join(reversed(names))

    def _refuse(self, node: cst.CSTNode, text: str, fix: str) -> None:
        line = self.get_metadata(PositionProvider, node).start.line
        self.problems.append(Problem(self.file, line, text, fix))


def _is_app_config(node: cst.CSTNode) -> bool:
    """Whether it is a class that extends an AppConfig, by the name of its base."""
    bases = node.bases if isinstance(node, cst.ClassDef) else ()
    return any(dotted(each.value).endswith("Config") for each in bases)


_LOOP = "collect the keys, and publish the events of all with carveout.publish_many"


class _Kinds(cst.CSTVisitor):
    """Finds what does not mean the same inside a lambda."""

    found = ""

    def visit_NamedExpr(self, node: cst.NamedExpr) -> None:  # noqa: N802
        self.found = "`:=`"

    def visit_Await(self, node: cst.Await) -> None:  # noqa: N802
        self.found = "`await`"

    def visit_Yield(self, node: cst.Yield) -> None:  # noqa: N802
        self.found = "`yield`"

    def visit_Call(self, node: cst.Call) -> None:  # noqa: N802
        if dotted(node) == "super()":
            self.found = "`super()`"


class _Changes(cst.CSTVisitor):
    """Finds whether an attribute of an object is set, and whether the object is saved."""

    found = saved = False

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def visit_Call(self, node: cst.Call) -> None:  # noqa: N802
        self.saved |= dotted(node.func) == f"{self.name}.save"

    def visit_AssignTarget(self, node: cst.AssignTarget) -> None:  # noqa: N802
        self._set(node.target)

    def visit_AugAssign(self, node: cst.AugAssign) -> None:  # noqa: N802
        self._set(node.target)

    def _set(self, target: cst.CSTNode) -> None:
        self.found |= isinstance(target, cst.Attribute) and dotted(target.value) == self.name


def is_atomic(around: Iterable[cst.CSTNode]) -> bool:
    """Whether the function of a statement opens a transaction for it. around: from the inside."""
    for each in around:
        if isinstance(each, cst.With) and any(opens(item.item) for item in each.items):
            return True
        if isinstance(each, cst.FunctionDef):
            return any(opens(one.decorator) for one in each.decorators)
    return False


def opens(node: cst.BaseExpression) -> bool:
    """Whether this expression opens a transaction."""
    name = dotted(node.func if isinstance(node, cst.Call) else node)
    return name.rpartition(".")[2] == "atomic"


def _only_notes(body: cst.BaseSuite) -> bool:
    """Whether a handler only logs the error, ignores it, or raises it again."""
    statements = [
        small
        for line in body.body
        for small in (line.body if isinstance(line, cst.SimpleStatementLine) else [line])
    ]
    return all(map(_notes, statements))


def _notes(node: cst.CSTNode) -> bool:
    if isinstance(node, cst.Raise):
        return node.exc is None
    if isinstance(node, cst.Expr) and isinstance(node.value, cst.Call):
        return dotted(node.value.func).rpartition(".")[2] in LOGGING
    return isinstance(node, cst.Pass)
