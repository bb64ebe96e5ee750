"""The own copy that a relation will lead to: its fields, its class, and what its owner offers."""

import ast
import inspect
import textwrap
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.db.models import Field, Model

from carveout.carving.carve import skeletons
from carveout.carving.carve.imports import Wanted
from carveout.carving.unlink.id_field import type_of
from carveout.carving.unlink.in_place import InPlace
from carveout.carving.unlink.owner_files import FilePart
from carveout.carving.unlink.relation import Relation
from carveout.carving.unlink.uses import Use

CHANGES = {"created": "Added", "changed": "Changed", "deleted": "Deleted"}
"""What is announced of a row, and how the events are called."""
DOCS = {"created": "is there", "changed": "has other values", "deleted": "is gone"}
STAYS = "stays"
KEPT = ("max_length", "max_digits", "decimal_places", "null", "db_index", "db_collation")
"""Arguments of the target's fields that their copies have too."""
PLAIN = {
    "AutoField": "IntegerField",
    "BigAutoField": "BigIntegerField",
    "SmallAutoField": "SmallIntegerField",
}


class OwnCopy(NamedTuple):
    """A model of this context that is kept equal to the target's rows."""

    relation: Relation
    name: str
    """The name of its class."""
    lookup: str
    """The owner's lookup that it copies: `catalogue.product_row`."""
    fields: tuple["Field[Any, Any]", ...]
    """The target's fields that it has, beside the key."""
    missing: tuple[str, ...]
    """Fields that uses need and that the copy, which is there already, lacks."""
    events: tuple[str, ...]
    by: str
    """The events' field with the key, if it is not their own key."""
    searched: tuple[str, ...]
    """The fields that forms of the admin search it by; empty if none does."""

    @property
    def label(self) -> str:
        return f"{self.relation.model._meta.app_label}.{self.name}"

    @property
    def has_text(self) -> bool:
        """Whether its rows are shown as the target's are."""
        target: Any = self.relation.target
        return target.__str__ is Model.__str__ or bool(_text_method(target))

    @property
    def names(self) -> set[str]:
        """What a lookup may read of it."""
        names = {name for each in self.fields for name in (each.name, each.attname)}
        return {*names, self.relation.to.name, "pk"}


def wanted(
    relation: Relation, state: InPlace, uses: Iterable[Use], admins: Iterable[tuple[Any, Any]]
) -> OwnCopy:
    """The copy that is there, or the one that uses need.

    admins: the admin classes of the project, each after its model.
    """
    searched = _searched(relation, list(admins))
    fields = _fields(relation, uses, searched)
    needed = {each.attname for each in fields}
    missing: tuple[str, ...] = ()
    if state.copy:
        name = state.copy.label.partition(".")[2]
        missing = tuple(sorted(needed - state.copy.fields))
        fields = [each for each in _concrete(relation.target) if each.attname in state.copy.fields]
    else:
        name = _free_name(relation)
    fits = (
        each.name
        for each in state.offered
        if each.key == relation.to.name and needed | {relation.to.name} <= each.fields
    )
    lookup = next(fits, f"{relation.owner}.{relation.target._meta.model_name}_row")
    kept = tuple(each for each in fields if each is not relation.to)
    events = state.events or tuple(
        f"{relation.owner}.{relation.target.__name__}{CHANGES[each]}" for each in changes_of(kept)
    )
    by = "" if state.is_key or not state.at else state.field
    return OwnCopy(relation, name, lookup, kept, missing, events, by, searched)


def changes_of(fields: tuple[Any, ...]) -> list[str]:
    """What has to be announced of rows with these fields beside the key, which never changes."""
    return [each for each in CHANGES if fields or each != "changed"]


def uses_of(copy: OwnCopy, uses: Iterable[Use]) -> list[Use]:
    """The uses, with those that go on working marked."""
    return [_use_of(copy, each) for each in uses]


def _use_of(copy: OwnCopy, use: Use) -> Use:
    if use.reads is None:
        return use
    first, _, rest = use.reads.partition("__")
    field = next((each for each in copy.fields if first in (each.name, each.attname)), None)
    is_lookup = not rest or (field is not None and not field.is_relation)
    if not first or first in ("in", "isnull") or (first in copy.names and is_lookup):
        return use._replace(becomes=STAYS)
    return use._replace(becomes=f"DECIDE: drop it, or copy {use.reads} too")


def _searched(relation: Relation, admins: list[tuple[Any, Any]]) -> tuple[str, ...]:
    """The target's own columns that its admin searches, if the field is completed by them."""
    inlines = [
        (getattr(inline, "model", None), inline)
        for _, admin in admins
        for inline in getattr(admin, "inlines", ())
    ]
    completes = any(
        relation.field.name in getattr(admin, "autocomplete_fields", ())
        for model, admin in [*admins, *inlines]
        if model is relation.model
    )
    named = [
        name
        for model, admin in admins
        if model is relation.target
        for name in getattr(admin, "search_fields", ())
    ]
    columns = {each.name for each in _concrete(relation.target) if not each.is_relation}
    own = tuple(name for name in named if name.lstrip("^=@") in columns)
    return (own or (relation.to.name,)) if completes else ()


def _fields(relation: Relation, uses: Iterable[Use], searched: Iterable[str]) -> list[Any]:
    """What uses read of the target, with what its text and its order need."""
    read = {each.reads.partition("__")[0] for each in uses if each.reads}
    read |= {each.lstrip("^=@") for each in searched}
    read |= _read_by_text(relation.target) | {*_ordering(relation.target)}
    return [each for each in _concrete(relation.target) if {each.name, each.attname} & read]


def _concrete(model: type[Model]) -> list[Any]:
    return [each for each in model._meta.concrete_fields if not getattr(each, "generated", False)]


def _ordering(model: type[Model]) -> list[str]:
    """The fields that its rows are sorted by; empty if there are others than its own."""
    ordering = model._meta.ordering or ()
    names = [each.lstrip("-") for each in ordering if isinstance(each, str)]
    own = {each.name for each in _concrete(model) if not each.is_relation} | {"pk"}
    return names if len(names) == len(ordering) and own.issuperset(names) else []


def _text_method(model: Any) -> str:
    """The source of its `__str__`, if that reads nothing but columns."""
    method = model.__str__
    if method is AbstractBaseUser.__str__:
        return f"def __str__(self) -> str:\n    return self.{model.USERNAME_FIELD}\n"
    try:
        source = textwrap.dedent(inspect.getsource(method))
    except (OSError, TypeError):
        return ""
    tree = ast.parse(source)
    columns = {each.name for each in _concrete(model) if not each.is_relation}
    columns |= {each.attname for each in _concrete(model)}
    names = {each.id for each in ast.walk(tree) if isinstance(each, ast.Name)}
    read = {each.attr for each in ast.walk(tree) if isinstance(each, ast.Attribute)}
    return source if names <= {"self", "str"} and read <= columns else ""


def _read_by_text(model: type[Model]) -> set[str]:
    tree = ast.parse(_text_method(model))
    return {each.attr for each in ast.walk(tree) if isinstance(each, ast.Attribute)}


def _free_name(relation: Relation) -> str:
    name = relation.target.__name__
    return f"{name}Copy" if name in relation.source.facts.names else name


# -- Files -------------------------------------------------------------------------------------


def model_block(copy: OwnCopy) -> FilePart:
    """The class of the copy."""
    relation = copy.relation
    target, events = relation.target, "".join(f'        "{each}",\n' for each in copy.events)
    by = f'    by="{copy.by}",\n' if copy.by else ""
    lines = [_line(relation.to, primary_key=True), *map(_line, copy.fields)]
    meta = [f'verbose_name = "{target._meta.verbose_name}"']
    meta.append(f'verbose_name_plural = "{target._meta.verbose_name_plural}"')
    if ordering := _ordering(target) and target._meta.ordering:
        meta.insert(0, f"ordering = {list(ordering)!r}".replace("'", '"'))
    text = (
        f"class {copy.name}(\n    carveout.Copy,\n"
        f'    of="{copy.lookup}",\n    key="{relation.to.name}",\n{by}'
        f"    on=[\n{events}    ],\n):\n"
        f'    """What {relation.context} keeps of the rows of {target._meta.label}."""\n\n'
        + "".join(f"    {each}\n" for each in lines)
        + "\n    class Meta(carveout.Copy.Meta):\n"
        + "".join(f"        {each}\n" for each in meta)
    )
    if method := _text_method(target):
        text += "\n" + textwrap.indent(method, "    ")
    return FilePart(copy.name, text, (("carveout", ""), ("django.db", "models")))


def admin_block(copy: OwnCopy) -> FilePart:
    """The admin of the copy, which forms need that search it."""
    name = f"{copy.name}Admin"
    names = ", ".join(f'"{each}"' for each in copy.searched)
    text = (
        f"@admin.register({copy.name})\nclass {name}(carveout.CopyAdmin):\n"
        f"    search_fields = [{names}]\n"
    )
    home: Wanted = (copy.relation.model.__module__, copy.name)
    return FilePart(name, text, (("carveout", ""), ("django.contrib", "admin"), home))


def _line(field: Any, *, primary_key: bool = False) -> str:
    name, kind, given = field.attname, field.get_internal_type(), field.deconstruct()[3]
    if field.is_relation:
        to = field
        while to.is_relation:
            to = to.target_field
        kind, given = to.get_internal_type(), {"null": field.null} if field.null else {}
    kept = {each: given[each] for each in KEPT if each in given}
    if field.unique and not primary_key and not field.is_relation:
        kept["db_index"] = True
    kind = PLAIN.get(kind, kind)
    kind = kind if hasattr(models, kind) else "TextField"
    options = [f"{each}={value!r}" for each, value in kept.items()]
    options += ["primary_key=True"] if primary_key else []
    if choices := _choices(field):
        options.append(f"choices={choices}")
    return f"{name} = models.{kind}({', '.join(options)})"


def _choices(field: Any) -> str:
    """Its choices as they are, since pages show and filter by their names."""
    pairs = [] if field.is_relation else [(value, str(name)) for value, name in field.flatchoices]
    return repr(pairs) if pairs else ""


def event_blocks(copy: OwnCopy) -> list[FilePart]:
    """The events of a row, and their announcement by the table."""
    relation = copy.relation
    model, key = relation.target, f"{relation.target._meta.model_name}_{relation.to.name}"
    blocks, given = [], {}
    watched = ", ".join(f'"{each.name}"' for each in copy.fields)
    for change, type_ in zip(changes_of(copy.fields), copy.events, strict=True):
        name, text = type_.partition(".")[2], f"A row of {model.__name__} {DOCS[change]}."
        event = skeletons.with_event("", name, key, {key: type_of(relation)}, text)
        blocks.append(FilePart(name, event.text.strip() + "\n", event.imports))
        given[change] = f"({name}, [{watched}])" if change == "changed" else name
    options = "".join(f"    {change}={value},\n" for change, value in given.items())
    call = (
        f"carveout.announces(\n    {model.__name__},\n{options}"
        f'    fields={{"{key}": "{relation.to.name}"}},\n)\n'
    )
    home: Wanted = (model.__module__, model.__name__)
    return [*blocks, FilePart("", call, (home,))]


def lookup_block(copy: OwnCopy) -> FilePart:
    """The lookup that offers the columns of the copy, whatever the model's manager hides."""
    relation = copy.relation
    model, name = relation.target, f"{relation.target.__name__}Row"
    fields = [relation.to, *copy.fields]
    lines = "".join(f"    {each.attname} = serializers.{_serializer(each)}\n" for each in fields)
    text = (
        f"class {name}Serializer(serializers.Serializer):\n{lines}\n\n"
        f'@carveout.lookup("{copy.lookup.partition(".")[2]}", key="{relation.to.name}")\n'
        f"class {name}Lookup(carveout.LookupViewSet):\n"
        f'    """The rows of {model.__name__}, for contexts that keep a copy."""\n\n'
        f"    queryset = {model.__name__}._base_manager.all()\n"
        f"    serializer_class = {name}Serializer\n"
    )
    home: Wanted = (model.__module__, model.__name__)
    needs = (("carveout", ""), ("rest_framework", "serializers"), home)
    return FilePart(f"{name}Serializer", text, needs)


SERIALIZERS: list[tuple[Any, str]] = [
    (models.BooleanField, "BooleanField"),
    (models.IntegerField, "IntegerField"),
    (models.AutoField, "IntegerField"),
    (models.FloatField, "FloatField"),
    (models.UUIDField, "UUIDField"),
    (models.DateTimeField, "DateTimeField"),
    (models.DateField, "DateField"),
    (models.TimeField, "TimeField"),
    (models.DurationField, "DurationField"),
    (models.JSONField, "JSONField"),
]


def _serializer(field: Any) -> str:
    null = "allow_null=True" if field.null else ""
    to = field
    while to.is_relation:
        to = to.target_field
    if isinstance(to, models.DecimalField):
        options = f"max_digits={to.max_digits}, decimal_places={to.decimal_places}"
        return f"DecimalField({options}{', ' + null if null else ''})"
    kind = next((name for of, name in SERIALIZERS if isinstance(to, of)), "CharField")
    return f"{kind}({null})"
