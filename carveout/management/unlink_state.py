"""Asks the engine how far a relation is on its way to an id."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from django.db import connections

from carveout.carving.unlink.in_place import CopyInPlace, InPlace, Offered
from carveout.carving.unlink.relation import Relation
from carveout.contracts import json_schema, serializer_schema
from carveout.eventlog.triggers import announcement, installed
from carveout.lookups.provider import providers
from carveout.models import CopyState, Cursor
from carveout.operations import own_copies
from carveout.subscriptions import following
from carveout.subscriptions.copies import keeping


def in_place(relation: Relation) -> InPlace:
    """What is declared in this process and is there in its databases."""
    offered = tuple(_offered(relation))
    state = InPlace(lookups=frozenset(providers), offered=offered, copy=_copy(relation, offered))
    if known := announcement.registry.get(relation.target._meta.label):
        faults = installed.faults(known, connections[known.database])
        state = state._replace(
            at=known.at,
            faults=tuple(
                f"the trigger {each.trigger} {each.found} in database {known.database!r}"
                for each in faults
            ),
            announced=frozenset(
                each for each in ("created", "changed", "deleted") if getattr(known, each)
            ),
            watched=frozenset(known.watched),
            events=tuple(f"{relation.owner}.{each.__name__}" for each in known.events),
        )
    if known and (event := known.deleted):
        names = {relation.to.name, relation.to.attname}
        names |= {"pk"} if relation.to.primary_key else set()
        fields = [each for each in event.__struct_fields__ if known.model_field_of(each) in names]
        state = state._replace(
            event=f"{relation.owner}.{event.__name__}",
            field=fields[0] if fields else "",
            is_key=event.event_key in fields[:1],
        )
    if declared := following.registry.get(relation.column):
        rows = Cursor.objects.using(declared.database).filter(subscription=declared.subscription)
        state = state._replace(subscription=declared.subscription, has_begun=rows.exists())
    return state


def _offered(relation: Relation) -> Iterator[Offered]:
    for name, view in sorted(providers.items()):
        if view.queryset is not None and view.queryset.model is relation.target:
            fields: Iterable[str] = ()
            with suppress(Exception):  # `manage.py check` reports any error of a serializer
                fields = json_schema.fields_of(serializer_schema.schema_of(view))
            yield Offered(name, view.lookup_key, frozenset(fields))


def _copy(relation: Relation, offered: Iterable[Offered]) -> CopyInPlace | None:
    lookups = {each.name for each in offered}
    for model in own_copies.hosted([relation.context]):
        if model.copy_of in lookups and model.copy_key == relation.to.name:
            name, database = keeping.subscription_of(model), keeping.database_of(model)
            filled = CopyState.objects.using(database).filter(
                model=model._meta.label, filled_at__isnull=False
            )
            return CopyInPlace(
                model._meta.label,
                frozenset(each.attname for each in keeping.columns(model)),
                name,
                Cursor.objects.using(database).filter(subscription=name).exists(),
                filled.exists(),
            )
    return None
