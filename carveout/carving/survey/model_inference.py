"""Finds the model whose rows a variable, or a chain of attributes and calls, holds."""

import re
from collections.abc import Iterator
from functools import cached_property

from django.db.models import Model, QuerySet

from carveout.carving.survey.model_index import Models, Reached, admin_classes
from carveout.carving.survey.sources import SourceFile, Sources

MANAGERS = re.compile(r"\.(?:objects|_default_manager|_base_manager|\w+_objects)\b")
ROWS_OF_SELF = {
    "get_queryset",
    "queryset",
    "object",
    "get_object",
    "model",
    "filter",
    "exclude",
    "all",
    "annotate",
    "order_by",
    "select_related",
    "prefetch_related",
    "get",
}
"""What gives rows of its model in a view, an admin class or a manager."""

SAME_ROWS = (
    ROWS_OF_SELF | {each for each in dir(QuerySet) if each[0] != "_"} | {"instance", "__class__"}
)
"""Attributes that give rows of the same model; templates call methods without brackets."""

USER_OF_REQUEST = re.compile(r"(?:^|\.)(?:request|\w*Request(?:\(\))?)\.user\b(.*)")
"""Also `user` of a variable that is annotated as a request."""

Needs = set[tuple[str, str]]
"""Pairs of apps: the first is known to use the second's models."""


class Rows:
    def __init__(self, sources: Sources, models: Models, needs: Needs) -> None:
        self.sources = sources
        self.models = models
        self.needs = needs

    def of(
        self, source: SourceFile, chain: str, scope: str, strictly: bool = False
    ) -> tuple[type[Model] | None, bool]:
        """The model, and whether it is certain or only guessed from a variable's name.

        `strictly`: no model after a step that may give anything, such as a custom method.
        """
        first, *steps = _steps(chain) or [""]
        model, sure, steps = self._begin(source, chain, first, steps, scope)
        for step in steps:
            relation = self.models.relation(model, _name_of(step)) if model else None
            if strictly and not relation and _name_of(step) not in SAME_ROWS:
                return None, False
            model = relation.model if relation else self.after(model, step)
        return model, sure

    def walked(self, source: SourceFile, chain: str, scope: str) -> Iterator[tuple[Reached, bool]]:
        """The relations that the steps of a chain follow, beginning with its variable."""
        first, *steps = _steps(chain) or [""]
        if not steps or MANAGERS.search(f"{chain}."):
            return
        user = USER_OF_REQUEST.search(source.facts.resolve(chain, scope))
        if user:
            model, sure, steps = self.models.user, True, _steps(user[1])
        elif first == "self":
            model, sure = self._of_class(source, scope, rows=True), True
        else:
            model, sure = self.of(source, first, scope)
        for step in steps:
            relation = self.models.relation(model, _name_of(step)) if model else None
            if model is None and (relation := self.models.set_of(_name_of(step))):
                sure = False
            if relation:
                yield relation, sure
            model = relation.model if relation else self.after(model, step)

    def after(self, model: type[Model] | None, step: str) -> type[Model] | None:
        """The model after a step that is not a relation; None if it may be anything."""
        name = _name_of(step)
        if model is None or step.endswith("()") or name in SAME_ROWS:
            return model
        return model if self.models.managers_have(model, name) else None

    def is_own(self, model: type[Model]) -> bool:
        return self.models.project.is_own(model._meta.app_label)

    def guess(self, variable: str, app: str) -> type[Model] | None:
        """The one model of this app, or of apps that it needs, that a variable is named after."""
        found = self.models.named_like(variable)
        own = [model for model in found if model._meta.app_label == app]
        used = [model for model in found if (app, model._meta.app_label) in self.needs]
        candidates = own or used
        return candidates[0] if len(candidates) == 1 else None

    def _begin(
        self, source: SourceFile, chain: str, first: str, steps: list[str], scope: str
    ) -> tuple[type[Model] | None, bool, list[str]]:
        resolved = source.facts.resolve(chain, scope)
        user = USER_OF_REQUEST.search(resolved)
        if user:
            return self.models.user, True, _steps(user[1])
        if _name_of(first) in ("self", "super"):
            row = self._of_class(source, scope, rows=True)
            serves = not steps or _name_of(steps[0]) in ROWS_OF_SELF
            return (
                row or (self._of_class(source, scope, rows=False) if serves else None),
                True,
                steps,
            )
        managed = MANAGERS.split(resolved, maxsplit=1)
        if len(managed) == 2:
            return self.models.named(managed[0].removesuffix("()")), True, _steps(managed[1])
        if resolved == chain and f"{scope}:{first}" not in source.facts.variables:
            return self.guess(first, source.app), False, steps
        if resolved.partition(".")[0] in ("self", "super()") and resolved != chain:
            inner, *further = _steps(resolved)
            return self._begin(source, resolved, inner, further, scope)
        return self._prefix(_steps(resolved))

    def _prefix(self, parts: list[str]) -> tuple[type[Model] | None, bool, list[str]]:
        """The model that a resolved chain begins with, if it is certain, and the steps after it."""
        names = list(map(_name_of, parts))
        for end in range(2, len(parts) + 1):
            model = self.models.by_class.get(".".join(names[:end]))
            model = model or self.models.named(".".join(names[:end]))
            if model is not None:
                return model, True, parts[end:]
        return None, False, []

    def _of_class(self, source: SourceFile, scope: str, rows: bool) -> type[Model] | None:
        """The model that a method's class is, or that it serves."""
        parts = scope.split(".")[:-1]
        if not parts:
            return None
        name = f"{source.facts.module}.{'.'.join(parts)}"
        if rows:
            return self.models.by_class.get(name)
        return self._classes.get(name) or self._declared(source, ".".join(parts))

    def _declared(self, source: SourceFile, name: str) -> type[Model] | None:
        """`model = Order` or `queryset = Order.objects…` in a class."""
        for attribute in ("model", "queryset"):
            definition = source.facts.definitions.get(f"{name}.{attribute}")
            if definition and definition.value:
                resolved = source.facts.resolve(definition.value)
                return self.models.named(MANAGERS.split(resolved)[0])
        return None

    @cached_property
    def _classes(self) -> dict[str, type[Model]]:
        """Admin classes, managers and querysets that serve one model."""
        serving: dict[str, set[type[Model]]] = {}
        for model, admin in admin_classes(self.models.project):
            serving.setdefault(_name(admin), set()).add(model)
        for model in self.models.own():
            for each in self.models.managers(model):
                serving.setdefault(_name(each), set()).add(model)
        return {name: next(iter(of)) for name, of in serving.items() if len(of) == 1}


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _steps(chain: str) -> list[str]:
    """The names in a chain, with () if they are called."""
    return [step for step in chain.split(".") if _name_of(step)]


def _name_of(step: str) -> str:
    return step.replace("()", "")
