"""Asks the engine how far a relation is on its way to an id."""

from django.db import connections

from carveout.carving.unlink.in_place import InPlace
from carveout.carving.unlink.relation import Relation
from carveout.eventlog.triggers import announcement, installed
from carveout.lookups.provider import providers
from carveout.models import Cursor
from carveout.subscriptions import following


def in_place(relation: Relation) -> InPlace:
    """What is declared in this process and is there in its databases."""
    state = InPlace(lookups=frozenset(providers))
    if known := announcement.registry.get(relation.target._meta.label):
        faults = installed.faults(known, connections[known.database])
        state = state._replace(
            at=known.at,
            faults=tuple(
                f"the trigger {each.trigger} {each.found} in database {known.database!r}"
                for each in faults
            ),
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
