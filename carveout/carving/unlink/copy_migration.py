"""The migration that leads a foreign key to an own copy, for the database and Django's state."""

from collections.abc import Iterable
from typing import Any

from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.models import Model

from carveout.carving.unlink import migration_file
from carveout.carving.unlink.migration_file import NewMigration
from carveout.carving.unlink.relation import Relation


def copy_migration(
    relation: Relation, label: str, action: str, subscription: str, copies: Iterable[type[Model]]
) -> NewMigration:
    """label: that of the copy. copies: models that a package makes of the relation's.

    Raises: UnlinkRefused: the app's migrations do not allow it.
    """
    loader = MigrationLoader(None)
    state = [_alter(relation.model, relation.field, label, action)]
    for made in copies:
        its = made._meta.get_field(relation.field.name)
        state.append(_alter(made, its, label, ""))
    for many in relation.followers:
        _, _, arguments, options = many.deconstruct()
        retargeted = type(many)(*arguments, **{**options, "to": label.lower()})
        name = str(many.model._meta.model_name)
        state.append(migrations.AlterField(name, many.name, retargeted))
    operations = [
        *migration_file.constraint(relation),
        migrations.SeparateDatabaseAndState(state_operations=state),
    ]
    doc = f"{relation.name} leads to {label}, an own copy: its constraint goes, its column stays."
    return migration_file.written(relation, loader, operations, subscription, doc, sweeps=False)


def _alter(model: type[Model], field: Any, label: str, action: str) -> Any:
    _, _, arguments, options = field.deconstruct()
    options |= {"to": label.lower(), "db_constraint": False}
    if action:
        options["on_delete"] = getattr(models, action)
    new = type(field)(*arguments, **options)
    return migrations.AlterField(str(model._meta.model_name), field.name, new)
