"""Finds a relation by name, and refuses what can't become an id by itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db.models import Field, ForeignKey, ManyToManyField, Model

from carveout.carving.carve.problem import Problem
from carveout.carving.survey.sources import SourceFile, Sources
from carveout.conf.validation import suggest
from carveout.errors import CarveoutError

KINDS = ("ForeignKey", "OneToOneField")
"""The classes whose arguments are known."""
OUTLIVES = "DO_NOTHING"
PROTECTS = ("PROTECT", "RESTRICT")


class UnlinkRefused(CarveoutError):
    """The relation can't be unlinked like this; nothing was written."""


@dataclass(frozen=True)
class Relation:
    """A foreign key or one-to-one of one context to another's model."""

    field: "ForeignKey[Any, Any]"
    source: SourceFile
    """The file of its model."""
    line: int
    context: str
    owner: str
    """The context of its target."""

    @property
    def model(self) -> type[Model]:
        return self.field.model

    @property
    def target(self) -> type[Model]:
        return self.field.related_model

    @property
    def to(self) -> "Field[Any, Any]":
        """The field of the target whose values are stored."""
        return self.field.target_field

    @property
    def name(self) -> str:
        return f"{self.model._meta.label}.{self.field.name}"

    @property
    def column(self) -> str:
        """As `carveout.follows` and the sweep name it."""
        return f"{self.model._meta.label}.{self.field.attname}"

    @property
    def at(self) -> str:
        return f"{self.source.file}:{self.line}"

    @property
    def on_delete(self) -> str:
        """Its name: `CASCADE`, also where the database does it; `SET` for a function."""
        function = self.field.remote_field.on_delete
        if hasattr(function, "deconstruct"):
            return "SET"
        return str(getattr(function, "__name__", "")).removeprefix("DB_")

    @property
    def accessor(self) -> str:
        """The attribute of the target's rows that leads back; empty if they have none."""
        return str(self.field.remote_field.get_accessor_name() or "")

    @property
    def query_name(self) -> str:
        """Its name in lookups on the target."""
        return "" if self.field.remote_field.hidden else self.field.related_query_name()

    @property
    def followers(self) -> "list[ManyToManyField[Any, Any]]":
        """Many-to-many fields of the same app that lead to the target through this relation."""
        return [many for many in _through(self.model, self.field) if _follows(many, self.field)]


def find(sources: Sources, name: str, *, to_copy: bool = False) -> Relation:
    """The relation of this name, such as `notifications.Notification.order`.

    to_copy: many-to-many fields that go through it will lead to the copy, too.

    Raises: UnlinkRefused: it does not exist, or it can't become an id; says why and what to do.
    """
    model, field = _named(name)
    project, label = sources.project, model._meta.app_label
    if not project.is_own(label):
        raise UnlinkRefused(
            f"{name}: the app {label!r} is a package, so its models can't be changed here."
        )
    source, line = _where(sources, model, field, name)
    context, target = project.context_of(label), field.related_model
    owner = project.context_of(target._meta.app_label) if target else ""
    if context == owner:
        raise UnlinkRefused(
            f"{source.file}:{line}: {name} stays inside the context {context}: it needs no cut."
        )
    for problem in _problems(model, field, source.file, line, sources, to_copy=to_copy):
        raise UnlinkRefused(str(problem))
    if not project.is_own(target._meta.app_label) and owner not in project.contexts.values():
        raise UnlinkRefused(
            f"{source.file}:{line}: {name} leads to {target._meta.label}, of a package that is in"
            " no context. Each deployment has the tables of its packages, so no cut is needed; if"
            " the package's rows belong to one context, add its app there in CARVEOUT['CONTEXTS']."
        )
    for app, of in ((label, context), (target._meta.app_label, owner)):
        if app not in project.contexts:
            raise UnlinkRefused(
                f"The app {app!r} is in no context. Add it to CARVEOUT['CONTEXTS'], such as"
                f' "{of}": {{"apps": ["{app}"]}}.'
            )
    return Relation(field, source, line, context, owner)


def _named(name: str) -> tuple[type[Model], Any]:
    label, _, attribute = name.rpartition(".")
    known = {each._meta.label: each for each in apps.get_models()}
    model = {each.lower(): found for each, found in known.items()}.get(label.lower())
    if model is None:
        raise UnlinkRefused(
            f"{name!r}: there is no model {label!r}. Write app.Model.field, such as"
            f" notifications.Notification.order. {suggest(label, known)}"
        )
    fields = {each.name: each for each in _fields(model) if each.is_relation}
    if attribute not in fields:
        raise UnlinkRefused(f"{label} has no relation {attribute!r}. {suggest(attribute, fields)}")
    return model, fields[attribute]


def _fields_of_base(base: type) -> list[Any]:
    return _fields(base) if hasattr(base, "_meta") else []


def _fields(model: Any) -> list[Any]:
    meta = model._meta
    return [*meta.local_fields, *meta.local_many_to_many, *meta.private_fields]


def _where(sources: Sources, model: type[Model], field: Any, name: str) -> tuple[SourceFile, int]:
    source = sources.by_module.get(model.__module__)
    definition = source and source.facts.definitions.get(f"{model.__qualname__}.{field.name}")
    if source and definition:
        return source, definition.line
    for base in model.__mro__[1:]:
        if field.name not in {each.name for each in _fields_of_base(base)}:
            continue
        file, found = sources.defined(f"{base.__module__}.{base.__qualname__}.{field.name}")
        where = f"{file}:{found.line}: " if found else ""
        raise UnlinkRefused(
            f"{where}{name} is inherited from {base.__module__}.{base.__name__}, as other models"
            f" may have it. Fix: write the field into {model.__name__} itself, then unlink it."
        )
    raise UnlinkRefused(
        f"{name} is in no class of {model.__module__}; code adds it. Write it into the class first."
    )


def _problems(
    model: type[Model], field: Any, file: str, line: int, sources: Sources, *, to_copy: bool
) -> Iterator[Problem]:
    """Why a relation can't become an id, or lead to a copy, as it is."""
    label = f"{model._meta.label}.{field.name}"
    kinds = [each.__name__ for each in type(field).__mro__]
    if "GenericForeignKey" in kinds or "GenericRelation" in kinds:
        yield Problem(
            file,
            line,
            f"{label} leads to models of any context through contenttypes",
            "store the name of the kind and the id in two columns of your own, and fill them in a"
            " migration; what it shows of the other row becomes a lookup",
        )
        return
    if field.many_to_many:
        yield _many_to_many(field, file, line, label)
        return
    if not isinstance(field, ForeignKey) or type(field).__name__ not in KINDS:
        yield Problem(
            file,
            line,
            f"{label} is a {type(field).__name__}, whose arguments are not known",
            f"make it a {' or '.join(KINDS)} first",
        )
        return
    if field.remote_field.parent_link:
        yield Problem(
            file,
            line,
            f"{label} makes each row of {model.__name__} a row of {field.related_model.__name__}"
            " too",
            "give it a foreign key to that row and the columns that it uses, then unlink the key",
        )
    if field.primary_key:
        yield Problem(
            file,
            line,
            f"{label} is the primary key, to which other tables may point",
            "give the model a key of its own first",
        )
    if model._meta.order_with_respect_to is field:
        yield Problem(
            file,
            line,
            f"{model._meta.label} is ordered with respect to {field.name}, which needs a relation",
            "order by a column of your own first",
        )
    for many in _through(model, field):
        if not (to_copy and _follows(many, field)):
            yield _keeps(many, field, sources)


def _many_to_many(field: Any, file: str, line: int, label: str) -> Problem:
    through = field.remote_field.through
    if through._meta.auto_created:
        return Problem(
            file,
            line,
            f"{label} has a hidden table",
            f"give it a model with through=…, whose db_table is {through._meta.db_table!r}, then"
            " unlink that model's foreign key",
        )
    keys = [each.name for each in through._meta.local_fields if each.is_relation]
    names = " or ".join(f"{through._meta.label}.{each}" for each in keys)
    return Problem(
        file,
        line,
        f"{label} goes through {through._meta.label}",
        f"let code use {through.__name__} itself, remove the field, then unlink {names}",
    )


def _through(model: type[Model], field: Any) -> "Iterator[ManyToManyField[Any, Any]]":
    """Many-to-many fields that need this foreign key of their table."""
    for each in apps.get_models():
        for many in each._meta.local_many_to_many:
            ends = (*each.__mro__, many.remote_field.model)
            if many.remote_field.through is model and field.remote_field.model in ends:
                yield many


def _follows(many: Any, field: Any) -> bool:
    """Whether a many-to-many field leads to the key's target, from the same app."""
    is_near = many.model._meta.app_label == field.model._meta.app_label
    return is_near and many.remote_field.model is field.related_model is not many.model


def _keeps(many: Any, field: Any, sources: Sources) -> Problem:
    model, through = many.model, field.model
    file, found = sources.defined(f"{model.__module__}.{model.__qualname__}.{many.name}")
    return Problem(
        file,
        found.line if found else 0,
        f"{model._meta.label}.{many.name} goes through {through._meta.label}.{field.name}",
        f"let code use {through.__name__} itself and remove {many.name}, which changes no table;"
        f" then unlink {field.name}",
    )
