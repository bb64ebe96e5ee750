"""Ways to cut, by kind and form of coupling."""

from carveout.plan.code_ways import CODE
from carveout.plan.data_ways import DATA
from carveout.plan.page_ways import PAGES
from carveout.plan.way import Way, Ways

GENERAL = Way(
    "lookup or event",
    3,
    "a kind that has no rule of its own",
    "{source} needs {target}: ask {target_app} by a lookup for what is read, and announce an event"
    " for what is changed.",
    doubt="there is no rule for this kind",
)

WAYS: Ways = {**CODE, **DATA, **PAGES}


def way(kind: str, form: str) -> Way:
    """Of an unknown form that of its kind, of an unknown kind a general one."""
    return WAYS.get((kind, form)) or WAYS.get((kind, "")) or GENERAL
