"""Finds the first-party code that is responsible for a frame's work, by walking up the stack.

It is the innermost first-party frame, with these exceptions.

- A middleware is not responsible for what the view behind it does: frames outside of Django's
  request handler are ignored.
- A method that a class inherits from another app works for that class. For a model, a manager or a
  query set, its caller is responsible; for anything else, such as a view, the class is. The same
  holds for methods that a class inherits from Django and other third parties.
- A context manager works for the code that enters it, a decorator for the function that it wraps.
- A template is responsible for the relations that it follows; the view is responsible for the
  values that it passes to the template.
- Tests, fixtures, factories and migrations are kept separate, unless they call code that is
  responsible itself.
"""

import inspect
from collections.abc import Iterator
from functools import partial
from types import FrameType, FunctionType, MethodType
from typing import Any

import msgspec
from django.db.models import Model, QuerySet
from django.db.models.manager import BaseManager

from carveout.carving.recorder.code_location import RENDER, CodeLocation, CodeLocations
from carveout.carving.recorder.file_roles import (
    CODE,
    DATABASE,
    FACTORY,
    FIXTURE,
    HANDLER,
    MIGRATION,
    RUNNER,
    TEMPLATE,
    TESTS,
    WRAPPING,
    FileRoles,
    Owner,
)
from carveout.conf.test_files import is_set_up

SET_UP = "set-up"
SET_UPS = ("setUp", "setUpClass", "setUpTestData", "setUpModule", "setup_method", "setup_class")
FUNCTIONS = FunctionType, MethodType, partial
"""Types that a decorator may wrap. Compared by type: isinstance may run a lazy object's query."""
VARIADIC = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS


def responsible(places: CodeLocations, frame: FrameType | None) -> CodeLocation | None:
    """The code that this frame works for; None if no first-party code is responsible."""
    return _StackWalk(places, frame).result()


class _StackWalk:
    """One walk up the stack from a frame."""

    def __init__(self, places: CodeLocations, frame: FrameType | None) -> None:
        self.places = places
        self.owners = places.owners
        self.frame = frame
        self.node: Any = None
        """The template's innermost node."""
        self.worker: CodeLocation | None = None
        """The class whose inherited method does the work."""
        self.passed: CodeLocation | None = None
        """Code that works for its callers; it is responsible if there is no caller."""

    def result(self) -> CodeLocation | None:
        frame = self.frame
        while frame is not None:
            owner = self.owners.of(frame.f_code.co_filename)
            if owner.role == RUNNER:
                break
            place = self._own(frame, owner) if owner.own else self._of_others(frame, owner)
            if place is not None:
                return self._with_template(place)
            if owner.role == HANDLER and frame.f_code.co_name == "_get_response":
                return self._with_template(self._viewed(frame))
            frame = frame.f_back
        return self._with_template(self.worker or self.passed)

    # -- First-party frames ------------------------------------------------------------------

    def _own(self, frame: FrameType, owner: Owner) -> CodeLocation | None:
        if owner.role == TESTS:
            role = _role_in_tests(frame, self.owners)
            here = self.places.of_code(frame.f_code, frame.f_lineno, role)
            return self.worker or self.passed or self._template() or here
        place = self.places.of_code(frame.f_code, frame.f_lineno)
        if owner.role == MIGRATION:
            return place
        if self.worker is not None:
            return self.worker
        if self._walked():
            return self._template()
        return self._responsible(frame, owner, place)

    def _responsible(
        self, frame: FrameType, owner: Owner, place: CodeLocation | None
    ) -> CodeLocation | None:
        if is_context_manager(frame):
            self.passed = self.passed or place
            return None
        wrapped = self._wrapped(frame)
        if wrapped is not None:
            return wrapped
        cls = _inheriting(frame)
        heir = self.places.of_class(cls, frame.f_code.co_name) if cls else None
        if heir is None or heir.app == owner.app or heir.role != CODE:
            return place
        if cls and issubclass(cls, Model | BaseManager | QuerySet):
            self.passed = self.passed or heir
            return None
        return heir

    def _wrapped(self, frame: FrameType) -> CodeLocation | None:
        """The wrapped function, if this frame is the inner function of a decorator."""
        code = frame.f_code
        if not (code.co_flags & VARIADIC and code.co_freevars and "<locals>" in code.co_qualname):
            return None
        for name in code.co_freevars:
            value = frame.f_locals.get(name)
            if issubclass(type(value), FUNCTIONS):
                place = self.places.of_function(value)
                if place and place.role == CODE:
                    return place
        return None

    # -- Frames of others --------------------------------------------------------------------

    def _of_others(self, frame: FrameType, owner: Owner) -> CodeLocation | None:
        if owner.role == TEMPLATE and self.node is None:
            if frame.f_code.co_name == RENDER:
                self.node = frame.f_locals.get("self")
        elif owner.role == WRAPPING and frame.f_code.co_name == "inner":
            return self._code_only(self.places.of_function(frame.f_locals.get("func")))
        elif owner.role not in (DATABASE, FIXTURE, FACTORY, WRAPPING) and self.worker is None:
            cls = _inheriting(frame)
            if cls and not issubclass(cls, Model | BaseManager | QuerySet):
                self.worker = self._code_only(self.places.of_class(cls))
        return None

    def _code_only(self, place: CodeLocation | None) -> CodeLocation | None:
        return place if place and place.role == CODE else None

    def _viewed(self, frame: FrameType) -> CodeLocation | None:
        """The request's view, if none of its own frames is left on the stack."""
        if self._walked():
            return self._template()
        view = self.places.of_function(frame.f_locals.get("callback"))
        return self.worker or self.passed or view or self._template()

    # -- Templates ---------------------------------------------------------------------------

    def _walked(self) -> bool:
        """Whether the template follows a relation, rather than use what it was given."""
        return any(len(lookups) > 1 for lookups in _lookups(self.node)) and bool(self._template())

    def _template(self) -> CodeLocation | None:
        return self.places.of_node(self.node)

    def _with_template(self, place: CodeLocation | None) -> CodeLocation | None:
        template = self._template() if place and self.node is not None else None
        if place is None or template is None or template.symbol == place.symbol:
            return place
        return msgspec.structs.replace(place, template=f"{template.file}:{template.line}")


def is_context_manager(frame: FrameType) -> bool:
    """Whether this is the frame of a context manager that is being entered or left."""
    if frame.f_code.co_name in ("__enter__", "__exit__"):
        return True
    back = frame.f_back
    return (
        back is not None
        and bool(frame.f_code.co_flags & inspect.CO_GENERATOR)
        and back.f_code.co_name in ("__enter__", "__exit__")
        and back.f_code.co_filename.endswith("contextlib.py")
    )


def _inheriting(frame: FrameType) -> type | None:
    """The class that a method works on; for managers and query sets, the class of their rows."""
    code = frame.f_code
    if not code.co_argcount or code.co_varnames[0] not in ("self", "cls"):
        return None
    worker: Any = frame.f_locals.get(code.co_varnames[0])
    # Not isinstance, which would query the database for Django's lazy objects.
    cls: type = worker if issubclass(type(worker), type) else type(worker)
    if issubclass(cls, BaseManager | QuerySet):
        return getattr(worker, "model", None) or cls
    return cls


def _lookups(node: Any) -> Iterator[tuple[str, ...]]:
    """The names that a node's expressions follow, such as `product`, `reviews`, `all`."""
    for name in ("sequence", "filter_expression"):
        expression = getattr(node, name, None)
        lookups = getattr(getattr(expression, "var", None), "lookups", None)
        if lookups:
            yield tuple(lookups)


def _role_in_tests(frame: FrameType | None, owners: FileRoles) -> str:
    """Whether this frame belongs to set-up or to the test itself, by its callers."""
    while frame is not None:
        code = frame.f_code
        owner = owners.of(code.co_filename)
        if owner.role in (FACTORY, FIXTURE) or code.co_name in SET_UPS:
            return SET_UP
        if owner.own and is_set_up(owner.file):
            return SET_UP
        if code.co_name == "pytest_pyfunc_call":
            return TESTS
        frame = frame.f_back
    return TESTS
