"""A rule for cutting one kind of coupling: what to do, and how much work it is.

Points are relative, not hours. 1 is one changed line, with nothing to decide; 3 is one place to
rewrite; 5 is something that both sides agree on, such as an event or a lookup; with 8 or more,
rows or guarantees change too.
"""

import msgspec

UNLINK = "manage.py unlink {relation}"
CARVE = "manage.py carve {call}"
AND = " && "
"""Between commands, if one cut needs several."""


class CutRule(msgspec.Struct, frozen=True):
    to: str
    """What the coupling becomes, in a word or two."""
    points: float
    reason: str
    """Why it costs these points."""
    text: str
    """What to do. Names in braces are filled in from the coupling."""
    command: str = ""
    """Empty if only a person can do it."""
    doubt: str = ""
    """What a person has to decide first."""


def parted(command: str) -> list[str]:
    """Splits a command line into single commands; an empty one has none."""
    return command.split(AND) if command else []


CutRules = dict[tuple[str, str], CutRule]
"""By kind and form; the empty form is for all forms without a rule of their own."""
