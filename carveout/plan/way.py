"""A way to cut one kind of coupling: what is to be done, and what it takes.

Points compare, they are no hours. 1 is one line changed where it stands, with nothing to decide;
3 a place to write anew; 5 something that both sides have to agree on, such as an event or a
lookup; 8 and more, that rows or guarantees change too.
"""

import msgspec

UNLINK = "manage.py unlink {relation}"
CARVE = "manage.py carve {call}"
AND = " && "
"""Between commands that one cut needs all of."""


class Way(msgspec.Struct, frozen=True):
    to: str
    """What the coupling becomes, in a word or two."""
    points: float
    reason: str
    """Why so many points."""
    text: str
    """What to do. Names between braces are those of the coupling."""
    command: str = ""
    """Empty where only a person can do it."""
    doubt: str = ""
    """What a person has to decide first."""


def parted(command: str) -> list[str]:
    """The commands one by one; none of an empty one."""
    return command.split(AND) if command else []


Ways = dict[tuple[str, str], Way]
"""By kind and form; the empty form is for all that have no way of their own."""
