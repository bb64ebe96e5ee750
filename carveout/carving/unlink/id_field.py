"""The plain field that a foreign key becomes: same column, data, index and uniqueness."""

from typing import Any, NamedTuple

from django.db import connections, models, router

from carveout.carving.unlink.relation import Relation, UnlinkRefused

_PLAIN = {
    "AutoField": "IntegerField",
    "BigAutoField": "BigIntegerField",
    "SmallAutoField": "SmallIntegerField",
    "PositiveIntegerField": "IntegerField",
    "PositiveBigIntegerField": "BigIntegerField",
    "PositiveSmallIntegerField": "SmallIntegerField",
    "SlugField": "CharField",
    "EmailField": "CharField",
    "URLField": "CharField",
}
"""Types of a key, and of a column that refers to it where that is another one.

Source: https://docs.djangoproject.com/en/stable/ref/models/fields/ and `Field.rel_db_type`.
"""
DROPPED = {
    *("to", "on_delete", "related_name", "related_query_name", "limit_choices_to", "parent_link"),
    *("to_field", "db_constraint", "swappable"),
}
"""Arguments that only a relation has."""


class IdField(NamedTuple):
    """A field class of `django.db.models`, and the arguments that its type adds."""

    kind: str
    added: dict[str, Any]

    def arguments(self, relation: Relation) -> dict[str, Any]:
        """All its arguments, as the migration writes them."""
        given = relation.field.deconstruct()[3]
        kept = {name: value for name, value in given.items() if name not in DROPPED}
        return {**kept, **self.added}

    def not_unique(self) -> "IdField":
        """As a history keeps it."""
        if "unique" not in self.added:
            return self
        kept = {name: value for name, value in self.added.items() if name != "unique"}
        return IdField(self.kind, {**kept, "db_index": True})

    def made(self, relation: Relation) -> "models.Field[Any, Any]":
        field: models.Field[Any, Any] = getattr(models, self.kind)(**self.arguments(relation))
        return field


def type_of(relation: Relation) -> str:
    """The type of the ids, as an event or a reader declares it."""
    kind = id_field(relation).kind
    if kind.endswith("IntegerField"):
        return "int"
    return "UUID" if kind == "UUIDField" else "str"


def id_field(relation: Relation) -> IdField:
    """The field that holds the same values in the same column."""
    to: Any = relation.to
    while isinstance(to, models.ForeignKey):
        to = to.target_field
    kind = to.get_internal_type()
    added: dict[str, Any] = {}
    kind = _PLAIN.get(kind, kind)
    if getattr(to, "max_length", None) and kind == "CharField":
        added["max_length"] = to.max_length
    if kind == "DecimalField":
        added |= {"max_digits": to.max_digits, "decimal_places": to.decimal_places}
    if getattr(to, "db_collation", None):
        added["db_collation"] = to.db_collation
    field: Any = relation.field
    if field.unique:
        added["unique"] = True
    elif field.db_index:
        added["db_index"] = True
    return IdField(kind, added)


def insist_on_type(relation: Relation, new: IdField) -> None:
    """Raises: UnlinkRefused: the new field would have another type of column."""
    field = new.made(relation)
    field.set_attributes_from_name(relation.field.attname)
    connection = connections[router.db_for_write(relation.model)]
    was, becomes = (each.db_type(connection) for each in (relation.field, field))
    if was != becomes:
        raise UnlinkRefused(
            f"{relation.at}: the column of {relation.name} has the type {was}, and"
            f" models.{new.kind} would make it {becomes}. Unlink it by hand."
        )
