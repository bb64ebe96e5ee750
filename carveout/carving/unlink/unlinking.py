"""Plans the next step from a foreign key to an id or to an own copy, and writes nothing.

Three steps, each a release: the owner's table announces rows; a subscription here follows them;
the constraint goes.
"""

from dataclasses import replace
from typing import Any

from django.db import DatabaseError

from carveout.carving.survey.kinds import url_names
from carveout.carving.survey.model_index import Models, admin_classes
from carveout.carving.survey.model_inference import Rows
from carveout.carving.survey.project import Project
from carveout.carving.survey.sources import Sources
from carveout.carving.unlink import own_copy
from carveout.carving.unlink.copy_planner import CopyPlanner
from carveout.carving.unlink.id_field import id_field, insist_on_type
from carveout.carving.unlink.in_place import Ask
from carveout.carving.unlink.planner import Planner
from carveout.carving.unlink.relation import OUTLIVES, Relation, find
from carveout.carving.unlink.step import ACTIONS, KEEP, Unlinked
from carveout.carving.unlink.uses import uses


def unlink(
    project: Project, name: str, ask: Ask, action: str = "", *, to_copy: bool = False
) -> Unlinked:
    """Plan the next step. ask: says what earlier steps have put in place.

    to_copy: the relation leads to an own copy of this context; otherwise it becomes an id.

    Raises: UnlinkRefused: the relation can't become an id like this.
    """
    url_names.owners(project)  # loads models and receivers that only pages import
    sources = Sources(project)
    relation = find(sources, name, to_copy=to_copy)
    new = id_field(relation)
    insist_on_type(relation, new)
    found = Unlinked(relation=relation, becomes=new, action=ACTIONS.get(action, _action(relation)))
    found.rows = _rows(relation)
    models = Models(project)
    ends = (relation.model._meta.app_label, relation.target._meta.app_label)
    rows = Rows(sources, models, {(app, end) for app in project.own for end in ends})
    found.uses = uses(relation, sources, models, rows)
    state = ask(relation)
    if to_copy:
        for many in relation.followers:
            through: Any = many  # its uses are found as those of a key are
            found.uses += uses(replace(relation, field=through), sources, models, rows)
        found.copy = own_copy.wanted(relation, state, found.uses, admin_classes(project))
        found.uses = own_copy.uses_of(found.copy, found.uses)
    planner = (CopyPlanner if to_copy else Planner)(found, state, project, sources, rows)
    found.blocking += planner.copies_lack()
    planner.edit()
    planner.plan()
    found.unread = sources.unread
    return found


def _action(relation: Relation) -> str:
    """What follows without a decision; empty if there has to be one."""
    if relation.on_delete == OUTLIVES:
        return KEEP
    return relation.on_delete if relation.on_delete in ACTIONS.values() else ""


def _rows(relation: Relation) -> tuple[int, int] | None:
    all_rows = relation.model._base_manager.all()
    try:
        empty = all_rows.filter(**{f"{relation.field.attname}__isnull": True})
        return all_rows.count(), empty.count() if relation.field.null else 0
    except DatabaseError:
        return None
