"""python unlinked.py FOLDER [--write]: what `unlink` says about each relation of a monolith.

Prints a line of JSON for each cross-app relation: its traits, and what `unlink` says. With --write
the first relation that can be unlinked in each app becomes an id in the copy.
"""

import json
import sys
from pathlib import Path
from typing import Any

import django

django.setup()

from django.apps import apps  # noqa: E402
from django.db.models import ForeignKey  # noqa: E402

from carveout.carving.survey.project import Project  # noqa: E402
from carveout.carving.unlink import unlinking  # noqa: E402
from carveout.carving.unlink.in_place import InPlace  # noqa: E402
from carveout.carving.unlink.relation import UnlinkRefused  # noqa: E402


def traits(field: Any) -> list[str]:
    remote = field.remote_field
    found = [type(field).__name__]
    if isinstance(field, ForeignKey):
        found += [getattr(remote.on_delete, "__name__", "SET")]
        found += ["null"] * field.null + ["unique"] * field.unique
        found += ["to_field"] * (not field.target_field.primary_key)
        found += ["related_query_name"] * bool(remote.related_query_name)
        found += ["hidden"] * remote.hidden + ["swappable"] * bool(field.swappable_setting)
    return found


def main(folder: Path, write: bool) -> None:
    own = [each for each in apps.get_app_configs() if Path(each.path).is_relative_to(folder)]
    project = Project(folder, {each.label: [each.label] for each in own}, cached=False)
    done: set[str] = set()
    for model in [each for app in own for each in app.get_models()]:
        for field in [*model._meta.local_fields, *model._meta.local_many_to_many]:
            target = getattr(field, "related_model", None)
            if target is None or isinstance(target, str):
                continue
            if target._meta.app_label in (model._meta.app_label, None):
                continue
            name = f"{model._meta.label}.{field.name}"
            line = {"name": name, "traits": traits(field)}
            try:
                found = unlinking.unlink(project, name, lambda _: InPlace(), "keep")
            except UnlinkRefused as error:
                print(json.dumps({**line, "refused": str(error)}))  # noqa: T201
                continue
            blocking = " ".join(map(str, found.blocking))
            if write and not blocking and model._meta.app_label not in done:
                found.write()
                done.add(model._meta.app_label)
                line["written"] = sorted(str(each.relative_to(folder)) for each in found.changed)
            line["by_hand"] = sorted({each.file for each in {*found.uses} - found.edited})
            print(json.dumps({**line, "refused": blocking, "uses": len(found.uses)}))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), "--write" in sys.argv)
