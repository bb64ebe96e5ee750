"""Runs the ratchet as a system check, in `manage.py check`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.checks import CheckMessage, Error, register

from carveout.conf.validation import TAG
from carveout.errors import BaselineInvalid, SettingsInvalid

if TYPE_CHECKING:
    from carveout.carving.ratchet.ratchet import Ratchet


@register(TAG)
def check_couplings(**_: Any) -> list[CheckMessage]:
    """Runs only in `manage.py check`, and only if there is a baseline: a survey takes seconds.

    Django runs all checks before `migrate`, `runserver` and `test` too, and does not pass checks
    the name of the command; the command line has it.
    """
    if sys.argv[1:2] != ["check"]:
        return []
    try:
        ratchet = _ratchet()
    except BaselineInvalid as error:
        return [Error(str(error), id="carveout.E009")]
    except SettingsInvalid:
        return []  # another check reports these
    return [*_messages(ratchet)] if ratchet else []


def _messages(ratchet: "Ratchet") -> Iterator[CheckMessage]:
    from carveout.carving.ratchet.allowed_unread import advice

    for each in ratchet.new():
        yield Error(each.text, hint=" ".join(each.advice), obj=each.place, id="carveout.E008")
    for gap in ratchet.unread:
        yield Error(f"Not read: {gap}", hint=advice([gap]), id="carveout.E020")


def _ratchet() -> "Ratchet | None":
    # Imported here: most commands run no ratchet, and most projects have no baseline. They should
    # not wait for the survey's modules.
    from carveout.carving.ratchet.baseline_path import default_path
    from carveout.carving.survey.project_root import default_root

    root = default_root()
    try:
        path = default_path(root)
    except BaselineInvalid:
        return None  # no baseline can exist there
    return _ratchet_of(root, path) if path.exists() else None


def _ratchet_of(root: Path, path: Path) -> "Ratchet":
    from carveout.carving.ratchet.ratchet import Ratchet
    from carveout.carving.survey import grouping
    from carveout.carving.survey.project import Project
    from carveout.carving.survey.run import survey

    project = Project(root, grouping.declared())
    return Ratchet(project, survey(project), path)
