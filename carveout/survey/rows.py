"""Rows: which model a variable, or a chain of attributes and calls, gives rows of."""

import re
from collections.abc import Iterator
from functools import cached_property

from django.db.models import Model, QuerySet

from carveout.survey.models import Models, Reached, admin_classes
from carveout.survey.sources import Source, Sources

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
"""What a view, an admin or a manager has of the model that it is for."""

SAME_ROWS = (
    ROWS_OF_SELF | {each for each in dir(QuerySet) if each[0] != "_"} | {"instance", "__class__"}
)
"""What gives rows of the same model; templates call without brackets."""

USER_OF_REQUEST = re.compile(r"(?:^|\.)(?:request|\w*Request(?:\(\))?)\.user\b(.*)")
"""Also `user` of a variable that is annotated as some request."""

Needs = set[tuple[str, str]]
"""Pairs of apps of which the first is known to use the second's models."""


class Rows:
    def __init__(self, sources: Sources, models: Models, needs: Needs) -> None:
        self.sources = sources
        self.models = models
        self.needs = needs

    def of(
        self, source: Source, chain: str, scope: str, strictly: bool = False
    ) -> tuple[type[Model] | None, bool]:
        """The model, and whether the code says so; else a variable is only named like it.

        `strictly`: none behind a step that may lead anywhere, such as a method of somebody's own.
        """
        first, *steps = _steps(chain) or [""]
        model, sure, steps = self._begin(source, chain, first, steps, scope)
        for step in steps:
            relation = self.models.relation(model, _name_of(step)) if model else None
            if strictly and not relation and _name_of(step) not in SAME_ROWS:
                return None, False
            model = relation.model if relation else self.after(model, step)
        return model, sure

    def walked(self, source: Source, chain: str, scope: str) -> Iterator[tuple[Reached, bool]]:
        """The relations that the steps of a chain lead over, beginning with its variable."""
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
            if relation:
                yield relation, sure
            model = relation.model if relation else self.after(model, step)

    def after(self, model: type[Model] | None, step: str) -> type[Model] | None:
        """The model of what a step gives that is no relation; None if it may be anything."""
        name = _name_of(step)
        if model is None or step.endswith("()") or name in SAME_ROWS:
            return model
        managers = model._meta.managers_map, dir(model._default_manager)
        return model if any(name in each for each in managers) else None

    def is_own(self, model: type[Model]) -> bool:
        return self.models.project.is_own(model._meta.app_label)

    def guess(self, variable: str, app: str) -> type[Model] | None:
        """The one model of this app, or of those that it uses, that a variable is named like."""
        found = self.models.named_like(variable)
        own = [model for model in found if model._meta.app_label == app]
        used = [model for model in found if (app, model._meta.app_label) in self.needs]
        candidates = own or used
        return candidates[0] if len(candidates) == 1 else None

    def _begin(
        self, source: Source, chain: str, first: str, steps: list[str], scope: str
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
        """The model whose name a resolved chain begins with, and the steps after it."""
        names = list(map(_name_of, parts))
        for end in range(2, len(parts) + 1):
            model = self.models.by_class.get(".".join(names[:end]))
            model = model or self.models.named(".".join(names[:end]))
            if model is not None:
                return model, True, parts[end:]
        return None, False, []

    def _of_class(self, source: Source, scope: str, rows: bool) -> type[Model] | None:
        """The model that the class around a method is, or that it is for."""
        parts = scope.split(".")[:-1]
        if not parts:
            return None
        name = f"{source.facts.module}.{'.'.join(parts)}"
        if rows:
            return self.models.by_class.get(name)
        return self._classes.get(name) or self._declared(source, ".".join(parts))

    def _declared(self, source: Source, name: str) -> type[Model] | None:
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
        for model, admin in admin_classes():
            serving.setdefault(_name(admin), set()).add(model)
        for model in self.models.own():
            for manager in model._meta.managers:
                for each in (type(manager), getattr(manager, "_queryset_class", None)):
                    if each is not None:
                        serving.setdefault(_name(each), set()).add(model)
        return {name: next(iter(of)) for name, of in serving.items() if len(of) == 1}


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _steps(chain: str) -> list[str]:
    """Names, with () where they are called."""
    return [step for step in chain.split(".") if _name_of(step)]


def _name_of(step: str) -> str:
    return step.replace("()", "")
