"""Finds models by the names that code uses: class, label, table or reverse accessor."""

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from inspect import getattr_static
from typing import Any, NamedTuple, TypeVar

from django.apps import apps as registry
from django.conf import settings as django_settings
from django.db.models import Model

from carveout.carving.survey.facts import LOADED
from carveout.carving.survey.model_fields import Field, fields_of, is_model
from carveout.carving.survey.project import Project
from carveout.carving.survey.unread import ADMIN, MANAGER, MODEL, attributes

Found = TypeVar("Found")

OF_THE_KEY = {"pk", "id", "in", "isnull", "exact"}
"""Lookup steps after a foreign key that its own column can answer, without a join."""


class Reached(NamedTuple):
    """The model at the other end of a relation, and the app that declares the relation."""

    model: type[Model]
    declared_by: str
    field: Field
    """The relation itself, also if it is followed backward."""


class Models:
    def __init__(self, project: Project) -> None:
        self.project = project
        self.all = list(registry.get_models(include_auto_created=True, include_swapped=True))
        self.by_class = {f"{each.__module__}.{each.__qualname__}": each for each in self.all}
        self._fields: dict[type[Model], list[Field]] = {}
        self._forward: dict[type[Model], dict[str, Field]] = {}
        self._backward: dict[type[Model], list[Field]] = {}
        self._accessors_of: dict[type[Model], dict[str, Field]] = {}
        self._of_managers: dict[type[Model], set[str]] = {}
        self.by_label = {each._meta.label_lower: each for each in self.all}

    @property
    def user(self) -> type[Model] | None:
        """The user model; None in a project without accounts."""
        return self.by_label.get(django_settings.AUTH_USER_MODEL.lower())

    def own(self) -> Iterator[type[Model]]:
        """First-party models, without those that Django created."""
        for each in self.all:
            if not each._meta.auto_created and self.project.is_own(each._meta.app_label):
                yield each

    def each(self, find: Callable[[type[Model]], Iterable[Found]]) -> Iterator[Found]:
        """What `find` gives for each of these models; only a model that raises is left out."""
        return self._of_each(self.own(), find)

    def _of_each(
        self, models: Iterable[type[Model]], find: Callable[[type[Model]], Iterable[Found]]
    ) -> Iterator[Found]:
        gaps = self.project.gaps
        return gaps.each(MODEL, models, lambda model: str(model._meta.label), find)

    def named(self, name: str) -> type[Model] | None:
        """The model that a dotted name stands for, also if a package re-exports it.

        The name may also ask Django for a model by label, or for the user model.
        """
        module, _, last = name.rpartition(".")
        if last.removesuffix("()") == "get_user_model":
            return self.by_label.get(django_settings.AUTH_USER_MODEL.lower())
        label = f"{self.project.app_of(module)}.{last}".lower() if module else ""
        if name.startswith(LOADED):
            return self.by_label.get(name.removeprefix(LOADED).lower())
        passed_on = self.by_label.get(label)
        if passed_on is not None and passed_on.__name__ != last:
            passed_on = None  # a module named like a model
        if passed_on is not None and not _may_be_model(module, last):
            passed_on = None  # for example choices named like a model
        return self.by_class.get(name) or passed_on

    @cached_property
    def by_table(self) -> dict[str, type[Model]]:
        """First-party models by table name in lower case; proxies have no table of their own."""
        models = sorted(self.all, key=lambda model: bool(model._meta.managed))
        return dict(self._of_each(models, self._tables))

    def _tables(self, model: type[Model]) -> Iterator[tuple[str, type[Model]]]:
        if not model._meta.proxy and self.project.is_own(model._meta.app_label):
            yield model._meta.db_table.lower(), model

    @cached_property
    def holders(self) -> dict[type[Model], str]:
        """By model that no file defines, because a package creates it for another model, such as a
        history: the attribute of that model that holds it."""
        return dict(self._of_each(self.all, _held))

    @cached_property
    def permissions(self) -> dict[str, type[Model]]:
        """First-party models by permission, such as `orders.view_order`."""
        return dict(self.each(_permissions))

    def named_like(self, variable: str) -> list[type[Model]]:
        """First-party models that a variable is named after: `order`, `new_order`."""
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
        """Is an attribute of this module, such as `Order.buyer`, a relation of a model?

        The model may be abstract.
        """
        *classes, name = attribute.split(".")
        found: Any = sys.modules.get(module)
        for each in classes:
            found = getattr_static(found, each, None)
        if not classes or not is_model(found):
            return False
        return any(field.name == name and field.is_relation for field in self.fields(found))

    def fields(self, model: type[Model]) -> list[Field]:
        """A model's own fields, many-to-many and those without a column included, read once."""
        if model not in self._fields:
            self._fields[model] = fields_of(model, self.project.gaps)
        return self._fields[model]

    def relation(self, model: type[Model], attribute: str) -> "Reached | None":
        """The model behind an attribute of a row, if it is a relation or a reverse accessor."""
        reverse = self._accessors(model).get(attribute)
        if reverse is not None:
            return Reached(reverse.model, reverse.model._meta.app_label, reverse)
        field = self.field(model, attribute)
        if field is None or field.made or field.target is None:
            return None
        return Reached(field.target, field.model._meta.app_label, field)

    def field(self, model: type[Model], name: str) -> Field | None:
        """A field by name, also one from a parent with its own table.

        None for `product_id`, which names the column.
        """
        if model not in self._forward:
            owners = [*reversed(model._meta.get_parent_list()), model]
            found = {each.name: each for owner in owners for each in self.fields(owner)}
            self._forward[model] = found
        return self._forward[model].get(name)

    def backward(self, model: type[Model]) -> list[Field]:
        """Relations of any model that lead to this one, or to a model whose table it uses."""
        if model not in self._backward:
            owners = [*reversed(model._meta.get_parent_list()), model]
            tables = dict.fromkeys(each._meta.concrete_model for each in owners)
            self._backward[model] = [
                field for table in tables if table for field in self._leading_to.get(table, ())
            ]
        return self._backward[model]

    @cached_property
    def _leading_to(self) -> dict[type[Model], list[Field]]:
        found: dict[type[Model], list[Field]] = {}
        for model in self.all:
            for field in self.fields(model) if not model._meta.swapped else ():
                if field.target and field.query_name:
                    table = field.target._meta.concrete_model or field.target
                    found.setdefault(table, []).append(field)
        return found

    def set_of(self, accessor: str) -> "Reached | None":
        """The model that `review_set` leads to, for a row of an unknown model: Django's default
        accessor contains the model's name. None if several models have such an accessor."""
        return self._sets.get(accessor) if accessor.endswith("_set") else None

    @cached_property
    def _sets(self) -> "dict[str, Reached | None]":
        found: dict[str, Reached | None] = {}
        for model in self.own():
            for name, field in self._accessors(model).items():
                led = Reached(field.model, field.model._meta.app_label, field)
                own = name == f"{field.model._meta.model_name}_set"
                other = found.get(name, led)
                is_same = other is not None and other[:2] == led[:2]
                found[name] = led if own and is_same else None
        return found

    def _accessors(self, model: type[Model]) -> dict[str, Field]:
        """Relations that lead to a model, by their accessor on its rows."""
        if model not in self._accessors_of:
            self._accessors_of[model] = {
                each.accessor: each
                for each in self.backward(model)
                if each.accessor and not each.model._meta.auto_created
            }
        return self._accessors_of[model]

    def managers_have(self, model: type[Model], name: str) -> bool:
        """Is this one of the model's managers, or an attribute of its default manager?"""
        if model not in self._of_managers:
            found = self._of_managers[model] = set()
            with self.project.gaps.around(MANAGER, str(model._meta.label)):
                found.update(model._meta.managers_map)
                found.update(dir(model._default_manager))
        return name in self._of_managers[model]

    def managers(self, model: type[Model]) -> Iterator[type]:
        """The classes of a model's managers and of their querysets."""
        with self.project.gaps.around(MANAGER, str(model._meta.label)):
            for manager in model._meta.managers:
                yield type(manager)
                queryset = getattr(manager, "_queryset_class", None)
                if queryset is not None:
                    yield queryset

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
            field = self.field(model, step)
            if field is None:
                reached = self._queried(model, step)
            elif not joins_last and _holds_key(field, steps[position:]):
                return
            else:
                reached = field.target
            if reached is None:
                return
            model = reached
            yield model

    def crossed(self, model: type[Model], lookup: str) -> Iterator[Field]:
        """The relations that a lookup such as `product__supplier__name` names, one after another.

        Also a last one whose key is in the row, and reverse accessors.
        """
        for step in lookup.split("__"):
            forward = self.field(model, step)
            back = [
                each for each in self.backward(model) if step in (each.query_name, each.accessor)
            ]
            found = forward if forward and forward.target else back[-1] if back else None
            if found is None:
                return
            yield found
            model = found.target if found is forward and found.target else found.model

    def _queried(self, model: type[Model], name: str) -> type[Model] | None:
        """The model whose relation has this name in lookups on the given one."""
        found = [each.model for each in self.backward(model) if each.query_name == name]
        return found[-1] if found else None


def _held(owner: type[Model]) -> Iterator[tuple[type[Model], str]]:
    for name, value in vars(owner).items():
        made = attributes(value).get("model")
        if is_model(made) and made is not owner:
            yield made, f"{owner.__module__}.{owner.__qualname__}.{name}"


def _permissions(model: type[Model]) -> Iterator[tuple[str, type[Model]]]:
    meta = model._meta
    names = [f"{each}_{meta.model_name}" for each in meta.default_permissions]
    names += [name for name, _ in meta.permissions]
    yield from ((f"{meta.app_label}.{name}", model) for name in names)


def _may_be_model(module: str, name: str) -> bool:
    """May this name be a model? True also if it is not loaded, or only created on access."""
    found = attributes(sys.modules.get(module)).get(name)
    return found is None or is_model(found)


def _holds_key(field: Field, rest: list[str]) -> bool:
    return field.holds_key and (not rest or rest[0] in OF_THE_KEY)


def admin_classes(project: Project) -> Iterator[tuple[type[Model], Any]]:
    """Models and their admin classes, on every admin site; none if the admin is not installed.

    Some packages register an object that only looks like a model, to get a page of their own.
    """
    if not registry.is_installed("django.contrib.admin"):
        return
    sites = sys.modules.get("django.contrib.admin.sites")
    for site in list(sites.all_sites) if sites else ():
        with project.gaps.around(ADMIN, f"{type(site).__module__}.{type(site).__qualname__}"):
            for model, admin in list(site._registry.items()):
                if is_model(model):
                    yield model, type(admin)
