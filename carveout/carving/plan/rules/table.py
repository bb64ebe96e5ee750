"""All rules, by kind and form of coupling."""

from carveout.carving.plan.rules.code import CODE
from carveout.carving.plan.rules.data import DATA
from carveout.carving.plan.rules.pages import PAGES
from carveout.carving.plan.rules.rule import CutRule, CutRules

GENERAL = CutRule(
    "lookup or event",
    3,
    "a kind without a rule of its own",
    "{source} needs {target}: use a lookup of {target_app} for what it reads, and publish an event"
    " for what it changes.",
    doubt="there is no rule for this kind",
)

RULES: CutRules = {**CODE, **DATA, **PAGES}


def rule_for(kind: str, form: str) -> CutRule:
    """The rule for this form; else the kind's own rule, else a general one."""
    return RULES.get((kind, form)) or RULES.get((kind, "")) or GENERAL
