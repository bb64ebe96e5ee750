"""Models as code names them: by class, by label, by table, by reverse accessor."""

import sys
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple, TypeGuard

from django.apps import apps as registry
from django.conf import settings as django_settings
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model

from carveout.survey.facts import LOADED
from carveout.survey.project import Project

OF_THE_KEY = {"pk", "id", "in", "isnull", "exact"}
"""What may follow a foreign key in a lookup and still be answered by its own column."""


class Reached(NamedTuple):
    """The model at the other end of a relation, and the app that declares the relation."""

    model: type[Model]
    declared_by: str


class Models:
    def __init__(self, project: Project) -> None:
        self.project = project
        self.all = list(registry.get_models(include_auto_created=True, include_swapped=True))
        self.by_class = {f"{each.__module__}.{each.__qualname__}": each for each in self.all}
        self._accessors_of: dict[type[Model], dict[str, Any]] = {}
        self.by_label = {each._meta.label_lower: each for each in self.all}

    @property
    def user(self) -> type[Model] | None:
        """Whoever signs in; None in a project without accounts."""
        return self.by_label.get(django_settings.AUTH_USER_MODEL.lower())

    def own(self) -> Iterator[type[Model]]:
        """First-party models that somebody wrote."""
        for each in self.all:
            if not each._meta.auto_created and self.project.is_own(each._meta.app_label):
                yield each

    def named(self, name: str) -> type[Model] | None:
        """The model that a dotted name stands for, also where a package passes it on.

        So does what asks Django for a model by its label, or for that of users.
        """
        module, _, last = name.rpartition(".")
        if last.removesuffix("()") == "get_user_model":
            return self.by_label.get(django_settings.AUTH_USER_MODEL.lower())
        label = f"{self.project.app_of(module)}.{last}".lower() if module else ""
        if name.startswith(LOADED):
            return self.by_label.get(name.removeprefix(LOADED).lower())
        passed_on = self.by_label.get(label)
        if passed_on is not None and passed_on.__name__ != last:
            passed_on = None  # a module that is called like a model
        if passed_on is not None and not _may_be_model(module, last):
            passed_on = None  # choices, say, that are called like a model
        return self.by_class.get(name) or passed_on

    @cached_property
    def by_table(self) -> dict[str, type[Model]]:
        """First-party models by their table in lower case; proxies have none of their own."""
        return {
            each._meta.db_table.lower(): each
            for each in sorted(self.all, key=lambda model: model._meta.managed)
            if not each._meta.proxy and self.project.is_own(each._meta.app_label)
        }

    @cached_property
    def holders(self) -> dict[type[Model], str]:
        """By model that no file defines, but a package made for another model, such as a history:
        the attribute that holds it there."""
        return {
            made: f"{owner.__module__}.{owner.__qualname__}.{name}"
            for owner in self.all
            for name, value in vars(owner).items()
            if _is_model(made := getattr(value, "__dict__", {}).get("model")) and made is not owner
        }

    @cached_property
    def permissions(self) -> dict[str, type[Model]]:
        """First-party models by the permissions that they have, such as `orders.view_order`."""
        found: dict[str, type[Model]] = {}
        for model in self.own():
            meta = model._meta
            names = [f"{each}_{meta.model_name}" for each in meta.default_permissions]
            names += [name for name, _ in meta.permissions]
            found |= {f"{meta.app_label}.{name}": model for name in names}
        return found

    def named_like(self, variable: str) -> list[type[Model]]:
        """First-party models that a variable may be a row of by its name: `order`, `new_order`."""
        plain = variable.lower()
        found = self._by_name.get(plain.replace("_", ""))
        return found or self._by_name.get(plain.rpartition("_")[2], [])

    @cached_property
    def _by_name(self) -> dict[str, list[type[Model]]]:
        found: dict[str, list[type[Model]]] = {}
        for model in self.own():
            found.setdefault(str(model._meta.model_name), []).append(model)
        return found

    def declares(self, module: str, attribute: str) -> bool:
        """Is `Order.buyer` of this module a relation of a model, also of an abstract one?"""
        *classes, name = attribute.split(".")
        found: Any = sys.modules.get(module)
        for each in classes:
            found = getattr(found, each, None)
        if not classes or not _is_model(found):
            return False
        meta = found._meta
        fields = [*meta.local_fields, *meta.local_many_to_many, *meta.private_fields]
        return any(field.name == name and field.is_relation for field in fields)

    def relation(self, model: type[Model], attribute: str) -> "Reached | None":
        """What an attribute of a row leads to, if it is a relation or a reverse accessor."""
        reverse = self._accessors(model).get(attribute)
        if reverse is not None:
            return Reached(reverse.model, reverse.model._meta.app_label)
        field = _step(model, attribute)
        if field is None or field.auto_created or not isinstance(field.related_model, type):
            return None
        return Reached(field.related_model, field.model._meta.app_label)

    def _accessors(self, model: type[Model]) -> dict[str, Any]:
        """Relations that lead to a model, by the accessor that they give its rows."""
        if model not in self._accessors_of:
            self._accessors_of[model] = {
                str(each.get_accessor_name()): each.field
                for each in model._meta.related_objects
                if each.get_accessor_name() and not each.field.model._meta.auto_created
            }
        return self._accessors_of[model]

    def path(
        self, model: type[Model], lookup: str, joins_last: bool = False
    ) -> Iterator[type[Model]]:
        """The models that a lookup such as `product__supplier__name` joins, one after another.

        Without `joins_last`, a last step that only compares the key in the row joins nothing;
        with it, reverse accessors such as `review_set` are steps too.
        """
        steps = lookup.split("__")
        for position, step in enumerate(steps, start=1):
            reverse = self._accessors(model).get(step) if joins_last else None
            if reverse is not None:
                model = reverse.model
                yield model
                continue
            field = _step(model, step)
            if field is None or not field.is_relation or not isinstance(field.related_model, type):
                return
            if not joins_last and _holds_key(field, steps[position:]):
                return
            model = field.related_model
            yield model


def _is_model(found: Any) -> TypeGuard[type[Model]]:
    return isinstance(found, type) and issubclass(found, Model)


def _may_be_model(module: str, name: str) -> bool:
    """What is not loaded, or found there only when it is asked for, may."""
    found = vars(sys.modules[module]).get(name) if module in sys.modules else None
    return found is None or _is_model(found)


def _step(model: type[Model], name: str) -> Any:
    """A field or a reverse relation; None for `product_id`, which names the column."""
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return field if field.name == name else None


def _holds_key(field: Any, rest: list[str]) -> bool:
    return getattr(field, "column", None) is not None and (not rest or rest[0] in OF_THE_KEY)


def admin_classes() -> Iterator[tuple[type[Model], Any]]:
    """Models and the classes that show them, on every admin site; none without the admin.

    Some packages register what only looks like a model, to have a page of their own.
    """
    if not registry.is_installed("django.contrib.admin"):
        return
    sites = sys.modules.get("django.contrib.admin.sites")
    for site in list(sites.all_sites) if sites else ():
        for model, admin in site._registry.items():
            if _is_model(model):
                yield model, type(admin)
