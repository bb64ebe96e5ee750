"""Shows a relation, what uses it, what becomes of deleted rows, and the next step."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from carveout.carving.carve.text import diff, section, unread, written_files
from carveout.carving.unlink.own_copy import STAYS
from carveout.carving.unlink.step import ANNOUNCE, FOLLOW, KEEP, UNLINK, Unlinked

STEPS = {
    ANNOUNCE: "1 of 3: {owner} announces deleted rows",
    FOLLOW: "2 of 3: {context} follows them",
    UNLINK: "3 of 3: the constraint goes, and code uses the id",
}
STEPS_TO_COPY = {
    ANNOUNCE: "1 of 3: {owner} announces its rows, and lets others look them up",
    FOLLOW: "2 of 3: {context} keeps an own copy of them",
    UNLINK: "3 of 3: the constraint goes, and the relation leads to the copy",
}
SHOWN = 12
"""How many uses that are only guessed are listed."""


def as_text(found: Unlinked, root: Path, *, written: bool) -> str:
    return "\n".join(_lines(found, root, written=written)) + "\n"


def _lines(found: Unlinked, root: Path, *, written: bool) -> Iterator[str]:
    yield from _relation(found)
    yield from _uses(found)
    yield from _deletion(found)
    contexts = {"owner": found.relation.owner, "context": found.relation.context}
    if found.action or found.deletion or found.copy:
        steps = STEPS_TO_COPY if found.copy else STEPS
        yield f"\nStep {steps[found.step].format(**contexts)}."
    yield from unread(found)
    yield from section("Fix first", found.blocking)
    if found.blocking:
        yield "\nNothing was written."
    elif written:
        yield written_files(found, root)
        yield _next(found)
    else:
        yield from diff(found, root)
        yield "\nNothing was written. To write this, add --write."


def _relation(found: Unlinked) -> Iterator[str]:
    relation = found.relation
    field: Any = relation.field
    target = relation.target._meta.label
    traits = [type(field).__name__ + f" to {target}"]
    traits += [] if relation.to.primary_key else [f"by {relation.to.name}"]
    traits += ["null"] if field.null else []
    traits += [f"on_delete {relation.on_delete}"]
    traits += [f"related_name {relation.accessor!r}"] if relation.accessor else []
    rows = ""
    if found.rows:
        many, empty = found.rows
        rows = f"; {many:,} rows" + (f", {empty:,} without" if field.null else "")
    yield f"{relation.at}: {relation.name}, {', '.join(traits)}{rows}."
    kept = "same column, same index" if field.db_index or field.unique else "same column"
    if found.copy:
        fields = ", ".join(each.name for each in found.copy.fields) or "its key"
        yield (
            f"Becomes a relation to {found.copy.label}, an own copy with {fields}: {kept}, no"
            " constraint."
        )
        return
    options = ", ".join(
        f"{name}={value!r}" for name, value in found.becomes.arguments(relation).items()
    )
    becomes = f"{field.attname} = models.{found.becomes.kind}({options})"
    yield f"Becomes {becomes}: {kept}, no constraint."


def _uses(found: Unlinked) -> Iterator[str]:
    if not found.uses:
        yield "\nNo use was found."
        return
    sure = [each for each in found.uses if each.sure]
    guessed = [each for each in found.uses if not each.sure]
    stay = "= stay as they are, " if found.copy else ""
    yield f"\nUses, {len(found.uses)}; {stay}* is changed by step 3, the others by you"
    wide = min(max(len(f"{each.file}:{each.line}") for each in found.uses), 50)
    for each in [*sure, *guessed[:SHOWN]]:
        mark = "=" if each.becomes == STAYS else "*" if each in found.edited else " "
        guess = "" if each.sure else "  (guessed from the variable's name)"
        at = f"{each.file}:{each.line}"
        becomes = "" if each.becomes == STAYS else f"  →  {each.becomes}"
        yield f"  {mark} {at:{wide}}  {each.what}{becomes}{guess}"
    if more := guessed[SHOWN:]:
        yield f"    and {len(more)} more that are guessed"


def _deletion(found: Unlinked) -> Iterator[str]:
    relation, deletion = found.relation, found.deletion
    if found.copy and found.action not in ("", KEEP):
        yield (
            f"\nDeletion: {found.action}, when the row is gone from {found.copy.label}, whatever"
            " deleted it there."
        )
    elif found.action == KEEP:
        yield (
            f"\nDeletion: rows keep their {relation.field.attname} when the"
            f" {relation.target.__name__} is gone. Code and templates that read that have to expect"
            " it."
        )
    elif deletion:
        action = deletion.action or relation.on_delete
        yield (
            f"\nDeletion: {action} follows {deletion.event}, which triggers announce whatever"
            " deletes the row."
        )
        yield (
            "  Rows that are written later with an id that is gone:"
            f" manage.py unlink --sweep {relation.column}"
        )


def _next(found: Unlinked) -> str:
    relation, to = found.relation, " --to copy" if found.copy else ""
    if found.step == ANNOUNCE:
        return (
            f"Next: manage.py announce {relation.owner} --write, run your tests, deploy and"
            f" migrate; then manage.py unlink {relation.name}{to}"
        )
    app = relation.model._meta.app_label
    if found.step == FOLLOW and found.copy:
        text = "" if found.copy.has_text else f"write {found.copy.name}.__str__, "
        return (
            f"Next: {text}manage.py makemigrations {app}, run your tests, deploy and migrate, let"
            f" the consumers begin, manage.py copies fill {found.copy.label}; then manage.py unlink"
            f" {relation.name}{to}"
        )
    if found.step == FOLLOW:
        return (
            "Next: run your tests, deploy, let the consumers begin; then"
            f" manage.py unlink {relation.name}"
        )
    return (
        "Next: change the uses without *, run your tests and"
        f" manage.py makemigrations {app} --check, then deploy and migrate."
    )
