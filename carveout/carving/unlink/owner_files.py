"""What the owner of the other row and this context need first: events, lookups, subscriptions."""

from typing import NamedTuple

from carveout.carving.carve import skeletons
from carveout.carving.carve.imports import Wanted
from carveout.carving.unlink.id_field import type_of
from carveout.carving.unlink.in_place import InPlace
from carveout.carving.unlink.relation import Relation

SERIALIZERS = {"int": "IntegerField", "str": "CharField", "UUID": "UUIDField"}


class FilePart(NamedTuple):
    """A part of a file that is written."""

    name: str
    """The class that it begins with; empty: it is added once."""
    text: str
    imports: tuple[Wanted, ...]


class DeletedEvent(NamedTuple):
    """How deletion follows: an event of the owner, and what it does here."""

    event: str
    """Its type: `orders.OrderDeleted`."""
    field: str
    """The event's field that holds the id."""
    is_key: bool
    lookup: str
    """The owner's lookup that finds rows by the id."""
    action: str
    """`CASCADE`, `SET_NULL` or `SET_DEFAULT`."""


def deletion(relation: Relation, action: str, state: InPlace) -> DeletedEvent:
    """The deletion as it is announced, or as it would be."""
    name = f"{relation.target._meta.model_name}_{relation.to.name}"
    lookup = f"{relation.owner}.{name}"
    if state.event:
        return DeletedEvent(state.event, state.field, state.is_key, lookup, action)
    type_ = f"{relation.owner}.{relation.target.__name__}Deleted"
    return DeletedEvent(type_, name, True, lookup, action)


def event_blocks(relation: Relation, deletion: DeletedEvent) -> list[FilePart]:
    """The event, and its announcement by the table."""
    model, name = relation.target, deletion.event.partition(".")[2]
    field, type_ = deletion.field, type_of(relation)
    doc = f"A row of {model.__name__} is gone."
    event = skeletons.with_event("", name, field, {field: type_}, doc)
    home: Wanted = (model.__module__, model.__name__)
    call = (
        f"carveout.announces(\n    {model.__name__}, deleted={name},"
        f' fields={{"{field}": "{relation.to.name}"}}\n)\n'
    )
    return [FilePart(name, event.text.strip() + "\n", event.imports), FilePart("", call, (home,))]


def lookup_block(relation: Relation, deletion: DeletedEvent) -> FilePart:
    """The lookup that says which ids have a row, whatever the model's manager hides."""
    model, key = relation.target, relation.to.name
    type_ = SERIALIZERS[type_of(relation)]
    name = f"{model.__name__}{key.title().replace('_', '')}"
    text = (
        f"class {name}Serializer(serializers.Serializer):\n"
        f"    {key} = serializers.{type_}()\n\n\n"
        f'@carveout.lookup("{deletion.lookup.partition(".")[2]}", key="{key}")\n'
        f"class {name}Lookup(carveout.LookupViewSet):\n"
        f'    """Which rows of {model.__name__} there are, for contexts that hold their ids."""\n\n'
        f"    queryset = {model.__name__}._base_manager.all()\n"
        f"    serializer_class = {name}Serializer\n"
    )
    return FilePart(
        f"{name}Serializer",
        text,
        (
            ("carveout", ""),
            ("rest_framework", "serializers"),
            (model.__module__, model.__name__),
        ),
    )


def follows_block(relation: Relation, deletion: DeletedEvent) -> FilePart:
    """The subscription that does what on_delete did."""
    model, key = relation.model, relation.to.name
    options = [
        f'deleted="{deletion.event}"',
        f'of="{deletion.lookup}"',
        *([] if key == "id" else [f'key="{key}"']),
        *([] if deletion.is_key else [f'by="{deletion.field}"']),
        f"on_delete=models.{deletion.action}",
    ]
    lines = "".join(f"    {each},\n" for each in options)
    text = f'carveout.follows(\n    {model.__name__},\n    "{relation.field.attname}",\n{lines})\n'
    home: Wanted = (model.__module__, model.__name__)
    return FilePart("", text, (("carveout", ""), ("django.db", "models"), home))
