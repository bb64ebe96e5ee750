"""The ratchet as a system check, for those who run `manage.py check` anyway."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.checks import CheckMessage, Error, register

from carveout.errors import BaselineInvalid, SettingsInvalid

if TYPE_CHECKING:
    from carveout.ratchet.ratchet import Ratchet

TAG = "carveout"


@register(TAG)
def check_couplings(**_: Any) -> list[CheckMessage]:
    """Only in `manage.py check`, and only if there is a baseline: a survey takes seconds.

    Django runs all checks before `migrate`, `runserver` and `test` too, and tells no check which
    command it is for; the command line does.
    """
    if sys.argv[1:2] != ["check"]:
        return []
    try:
        ratchet = _ratchet()
    except BaselineInvalid as error:
        return [Error(str(error), id="carveout.E009")]
    except SettingsInvalid:
        return []  # another check tells them all
    return [
        Error(each.headline, hint=" ".join(each.advice), id="carveout.E008")
        for each in (ratchet.new() if ratchet else ())
    ]


def _ratchet() -> "Ratchet | None":
    # Imported here: most commands check nothing, and should not wait for these modules.
    from carveout.ratchet.baseline import default_path
    from carveout.ratchet.ratchet import Ratchet
    from carveout.survey import grouping
    from carveout.survey.project import Project, default_root
    from carveout.survey.survey import survey

    root: Path = default_root()
    try:
        path = default_path(root)
    except BaselineInvalid:
        return None  # none can be there
    if not path.exists():
        return None
    project = Project(root, grouping.declared())
    return Ratchet(project, survey(project), path)
