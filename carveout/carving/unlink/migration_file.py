"""The migration that makes a foreign key an id, for the database and for Django's state."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from django.db import migrations, models
from django.db.migrations import Migration
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import AddField, AlterField
from django.db.migrations.questioner import MigrationQuestioner
from django.db.migrations.state import ModelState
from django.db.migrations.writer import MigrationWriter, OperationWriter
from django.db.models import F, Model, Q
from django.db.models.options import normalize_together

from carveout.carving.unlink import migration_template
from carveout.carving.unlink.id_field import IdField
from carveout.carving.unlink.relation import Relation, UnlinkRefused


class NewMigration(NamedTuple):
    """A migration to write."""

    path: Path
    text: str


def migration(
    relation: Relation, new: IdField, subscription: str, copies: Iterable[type[Model]] = ()
) -> NewMigration:
    """copies: models that a package makes of the relation's, such as its history.

    Raises: UnlinkRefused: the app's migrations do not allow it.
    """
    loader = MigrationLoader(None)
    operations = [*constraint(relation), _state(loader, relation, new, copies)]
    doc = f"{relation.name} becomes an id: its constraint goes, its column stays."
    return written(relation, loader, operations, subscription, doc, sweeps=True)


def written(
    relation: Relation,
    loader: MigrationLoader,
    operations: Iterable[Any],
    subscription: str,
    doc: str,
    *,
    sweeps: bool,
) -> NewMigration:
    """The migration after the app's last one. sweeps: rows with ids of no row can be swept.

    Raises: UnlinkRefused: the app has no last migration.
    """
    app = relation.model._meta.app_label
    after = _last(loader, app)
    number = int(after[:4]) + 1 if after[:4].isdigit() else 1
    name = f"{number:04d}_unlink_{relation.model._meta.model_name}_{relation.field.name}"[:60]
    text = _text(relation, operations, subscription, app, after, doc, sweeps)
    return NewMigration(Path(MigrationWriter(Migration(name, app)).path), text)


def _last(loader: MigrationLoader, app: str) -> str:
    leaves = [name for label, name in loader.graph.leaf_nodes() if label == app]
    if len(leaves) == 1:
        return str(leaves[0])
    what = f"has several last migrations: {', '.join(leaves)}" if leaves else "has no migrations"
    fix = f"makemigrations --merge {app}" if leaves else f"makemigrations {app}"
    raise UnlinkRefused(f"The app {app} {what}. Run `manage.py {fix}` first.")


def constraint(relation: Relation) -> Iterator[Any]:
    """Drops the constraint, if there is one."""
    field: Any = relation.field.clone()
    if field.db_constraint:
        field.db_constraint = False
        model = str(relation.model._meta.model_name)
        yield migrations.AlterField(model_name=model, name=relation.field.name, field=field)


def _state(
    loader: MigrationLoader, relation: Relation, new: IdField, copies: Iterable[type[Model]]
) -> Any:
    """What changes in Django's state only, as its autodetector finds it."""
    meta = relation.model._meta
    key = (meta.app_label, str(meta.model_name))
    before = loader.project_state()
    if relation.field.name not in before.models[key].fields:
        raise UnlinkRefused(
            f"{relation.name} is in no migration yet. Run `manage.py makemigrations"
            f" {meta.app_label}` first."
        )
    after = before.clone()
    after.models[key] = _renamed(after.models[key], relation, new)
    for made in copies:
        its = (made._meta.app_label, str(made._meta.model_name))
        after.models[its] = _renamed(after.models[its], relation, new.not_unique())
    for state in after.models.values():
        _normalize(state)
    found = MigrationAutodetector(before, after, _Questioner()).changes(
        loader.graph, trim_to_apps={meta.app_label}
    )
    operations = [each for one in found[meta.app_label] for each in one.operations]
    for each in operations:
        if isinstance(each, AddField):
            each.field, each.preserve_default = _as_given(each, relation, new), True
    return migrations.SeparateDatabaseAndState(state_operations=operations)


def _normalize(state: ModelState) -> None:
    """Options as models have them; migrations may have lists, which the autodetector can't read."""
    for option in ("unique_together", "index_together"):
        if option in state.options:
            state.options[option] = set(normalize_together(state.options[option]))


def _as_given(added: AddField, relation: Relation, new: IdField) -> Any:
    """The field, without the default that the autodetector would ask for."""
    of_model = added.model_name_lower == relation.model._meta.model_name
    return (new if of_model else new.not_unique()).made(relation)


class _Questioner(MigrationQuestioner):
    """The column is there already, so no question is asked about its data."""

    def ask_not_null_addition(self, field_name: str, model_name: str) -> Any:
        return models.NOT_PROVIDED


def _renamed(state: ModelState, relation: Relation, new: IdField) -> ModelState:
    """The model with the id in the place of the relation, in its options too."""
    names = _Names(relation.field.name, relation.field.attname)
    fields = {
        names.of(name): new.made(relation) if name == relation.field.name else field
        for name, field in state.fields.items()
    }
    options = dict(state.options)
    for option in ("constraints", "indexes"):
        options[option] = [names.declared(each) for each in options.get(option, [])]
    for option in ("unique_together", "index_together"):
        if option in options:
            together = normalize_together(options[option])
            options[option] = {tuple(map(names.of, each)) for each in together}
    for option in ("ordering", "get_latest_by"):
        if option in options:
            options[option] = names.given(options[option])
    return ModelState(
        state.app_label, state.name, list(fields.items()), options, state.bases, state.managers
    )


class _Names:
    """Puts the name of the id in the place of the relation's."""

    def __init__(self, old: str, new: str) -> None:
        self.old, self.new = old, new

    def of(self, path: str) -> str:
        plain = path.lstrip("-")
        first, lookup, rest = plain.partition("__")
        if first != self.old:
            return path
        return f"{path[: len(path) - len(plain)]}{self.new}{lookup}{rest}"

    def declared(self, each: Any) -> Any:
        """A constraint or an index."""
        _, arguments, options = each.deconstruct()
        options = {name: self.given(value, name) for name, value in options.items()}
        return type(each)(*map(self.given, arguments), **options)

    def given(self, value: Any, name: str = "") -> Any:
        if name in ("name", "violation_error_message", "opclasses", "db_tablespace"):
            return value
        if isinstance(value, str):
            return self.of(value)
        if isinstance(value, list | tuple):
            return type(value)(map(self.given, value))
        if isinstance(value, Q):
            return Q(
                *map(self._child, value.children),
                _connector=value.connector,
                _negated=value.negated,
            )
        return F(self.of(vars(value)["name"])) if type(value) is F else value

    def _child(self, child: Any) -> Any:
        if not isinstance(child, tuple):
            return self.given(child)
        path, value = child
        return self.of(path), self.given(value) if isinstance(value, F | Q) else value


def _text(
    relation: Relation,
    operations: Iterable[Any],
    subscription: str,
    app: str,
    after: str,
    doc: str,
    sweeps: bool,
) -> str:
    written, imports = (
        [],
        {
            "import random",
            "import time",
            "from django.core.management.base import CommandError",
        },
    )
    for each in operations:
        lines, needed = OperationWriter(each, indentation=2).serialize()
        if isinstance(each, AlterField):  # the one that is not only for Django's state
            lines = lines.replace("migrations.AlterField(", "DropConstraint(")
        written.append(lines)
        imports |= needed
    # One line for django.db, as people write it.
    imports -= {f"from django.db import {each}" for each in ("migrations", "models")}
    imports.add("from django.db import OperationalError, migrations, models, transaction")
    meta = relation.model._meta
    return migration_template.FILE.substitute(
        doc=doc,
        imports="\n".join(_sorted(imports)),
        subscription=repr(subscription),
        constraint=repr(f"{meta.db_table.strip(chr(34))}_{relation.field.column}_fk"[:63]),
        sweep=f", or run `manage.py unlink --sweep {relation.column}`" if sweeps else "",
        app=repr(app),
        after=repr(after),
        operations="\n".join(written),
    )


def _sorted(imports: Iterable[str]) -> list[str]:
    """Standard library first, then a blank line, then the others."""
    first = sorted(each for each in imports if each in ("import random", "import time"))
    rest = sorted({*imports} - {*first}, key=lambda each: each.split()[1])
    return [*first, "", *rest]
