"""What replaces a relation's `on_delete` once the database no longer enforces it."""

import msgspec


class Deletion(msgspec.Struct, frozen=True):
    points: float
    text: str


FOLLOWS = "An event of {target_app} reports that a row of {target} was deleted, and a subscriber "
REFUSES = "Nothing stops {target_app} from deleting {target} any more: it checks a lookup first, "

BY_RULE = {
    "CASCADE": Deletion(5, FOLLOWS + "deletes these rows."),
    "DB_CASCADE": Deletion(5, FOLLOWS + "deletes these rows."),
    "SET_NULL": Deletion(3, FOLLOWS + "clears the id."),
    "DB_SET_NULL": Deletion(3, FOLLOWS + "clears the id."),
    "SET_DEFAULT": Deletion(3, FOLLOWS + "sets the default."),
    "PROTECT": Deletion(8, REFUSES + "or marks it as deleted and keeps it."),
    "RESTRICT": Deletion(8, REFUSES + "or marks it as deleted and keeps it."),
    "DO_NOTHING": Deletion(0, "Nothing follows a deletion, as before."),
}
OTHER = Deletion(5, FOLLOWS + "does what the custom `on_delete` did.")


def deletion(on_delete: str) -> Deletion:
    return BY_RULE.get(on_delete, OTHER)
