"""Defines the facts that are read from one Python file, without looking at any other.

They depend only on the file's text and are plain data, so they can be cached between runs.
"""

from collections.abc import Iterator

import msgspec

ALWAYS = "module"
IN_FUNCTION = "function"
FOR_TYPES = "type checking"
AFTERWARDS = {
    *("on_commit", "delay", "apply_async", "delay_on_commit", "apply_async_on_commit"),
    *("enqueue", "enqueue_in", "enqueue_at", "async_task", "submit", "defer"),
}
"""Calls whose argument runs later."""
AT_ONCE = -1
"""The loop's end for a comprehension, which is one expression."""
LOADED = "models:"
"""The prefix of the label of a model that code loads by label: `models:orders.Order`."""


TEXT = "text"
KEY = "key"
ITEM = "item"
LOOKUP = "lookup"
"""Forms of words: a plain string, the key of a dict or a keyword, the key of a dict in a list, and
what an expression such as Q or F names."""


class Scope(msgspec.Struct, frozen=True):
    """A position in a file. `scope` is the class or function around it, or an empty string."""

    scope: str = ""
    level: str = ALWAYS
    atomic: bool = False
    """Inside a transaction that this function itself opens."""
    within: str = ""
    """The call whose argument it is."""
    assigned: str = ""
    """The name that it is assigned to, at the top of the module or of a class."""
    queried: str = ""
    """The query call whose arguments contain it, at any depth."""

    @property
    def names(self) -> str:
        """The namespace of its names. Names of a class, with a dot, are not visible in methods."""
        is_class = bool(self.scope) and self.level != IN_FUNCTION
        return f"{self.scope}." if is_class else self.scope


class Word(msgspec.Struct, frozen=True):
    """A string, or `=` and the name of a variable, which stands for all that the variable holds."""

    value: str
    form: str = TEXT
    """For a name: the form that its strings get; empty if they keep theirs."""
    depth: int = 0
    """How many dicts are around it, as in `{"late": "order__paid"}`."""
    taken: int = 0
    """For a name: how many times one of its values is taken, as in `FIELDS["late"]`."""

    @property
    def variable(self) -> str:
        return self.value[1:] if self.value[0] == "=" else ""

    def of(self, held: "Word") -> "Word | None":
        """The word that results if this name's variable holds `held`, or None."""
        depth = max(held.depth - self.taken, 0) + self.depth
        taken = held.taken + max(self.taken - held.depth, 0) if held.variable else 0
        form = self.form or held.form
        if held.form == LOOKUP:
            form = LOOKUP
        elif form == LOOKUP and depth and not held.variable:
            return None  # `Q(order=w)` uses the content of w as values
        elif held.form == KEY and self.taken > held.depth and not held.variable:
            return None
        elif self.form == ITEM and held.form != KEY:
            form = held.form
        return Word(held.value, form, depth, taken)


class Held(msgspec.Struct, frozen=True):
    """What a line assigns to a variable, or adds to it."""

    words: tuple[Word, ...]
    line: int
    place: Scope
    until: int
    """The end of the loop around it: lines up to there may have run before it."""
    alone: bool = False
    """From here on the variable certainly no longer holds its earlier value."""


class Import(msgspec.Struct, frozen=True):
    """`from module import name`; without a name, `import module`."""

    module: str
    name: str
    line: int
    place: Scope


class Call(msgspec.Struct, frozen=True):
    """`name` is as in the code, with () for the calls in it: `Order.objects.all().get`.

    Arguments that are strings, or names (prefixed with `=`), are kept; others are empty.
    """

    name: str
    line: int
    place: Scope
    arguments: tuple[str, ...] = ()
    keywords: dict[str, str] = {}
    alone: bool = False
    """Its return value is not used."""
    words: tuple[Word, ...] = ()
    """For a query, or an expression in one: the words that it is given."""
    until: int = 0
    """The end of the loop around it."""
    context: dict[str, str] = {}
    """For a dict literal among the arguments: its keys, and the chains that they hold."""

    @property
    def last(self) -> str:
        return self.name.rpartition(".")[2]

    @property
    def is_later(self) -> bool:
        """Whether it is an argument of a call that runs it later."""
        return self.place.within.rpartition(".")[2] in AFTERWARDS

    def argument(self, position: int, keyword: str) -> str:
        """A string that is passed by position or by keyword, or an empty string."""
        if position < len(self.arguments):
            given = self.arguments[position]
        else:
            given = self.keywords.get(keyword, "")
        return "" if given.startswith("=") else given


class Text(msgspec.Struct, frozen=True):
    """A string that looks like a dotted name, or like a pattern of them: `orders.tasks.*`."""

    value: str
    line: int
    place: Scope


class Chain(msgspec.Struct, frozen=True):
    """Attributes of a name: `product.reviews`."""

    name: str
    line: int
    place: Scope


class Definition(msgspec.Struct, frozen=True):
    """A class, function or assigned name; `value` is the call or name that is assigned."""

    line: int
    value: str = ""
    target: str = ""
    """The first argument of that call: a string, or a name prefixed with `=`."""
    bases: tuple[str, ...] = ()
    """A class's base classes, as written."""
    function: bool = False
    receiver_lines: dict[str, int] = {}
    """For a function: by a signal's name as written, the line where `@receiver` names it."""


class Pair(msgspec.Struct, frozen=True):
    """Two strings in a tuple, such as a migration's dependency, and the name that holds them."""

    first: str
    second: str
    line: int
    of: str


class Swallow(msgspec.Struct, frozen=True):
    """Where an exception is caught without a savepoint, and not raised again."""

    line: int
    place: Scope
    calls: tuple[str, ...] = ()
    """The calls there, which may fail."""


class Facts(msgspec.Struct, frozen=True):
    """What one file contains. `names` maps the file's own names to full dotted names."""

    module: str
    names: dict[str, str] = {}
    definitions: dict[str, Definition] = {}
    imports: list[Import] = []
    calls: list[Call] = []
    texts: list[Text] = []
    chains: list[Chain] = []
    pairs: list[Pair] = []
    swallows: list[Swallow] = []
    statements: list[Text] = []
    """Strings that begin like SQL."""
    strings: dict[str, Text] = {}
    """By scope and name: the assigned strings, separated by spaces."""
    ends: dict[str, int] = {}
    """By function: the line where the first transaction that it opens ends."""
    bare: set[tuple[str, str]] = set()
    """Scopes and names that are used there alone, not for an attribute or a call."""
    variables: dict[str, str] = {}
    """By scope and name, as in `place:order`: the last chain that was assigned."""

    classes: set[str] = set()
    held: dict[str, list[Held]] = {}
    """By scope and name: what a variable may pass to queries in this file or others."""
    contexts: dict[str, dict[str, str]] = {}
    """By scope and name of a dict: its keys and the chains that they hold, as in `Call.context`."""

    def uses(self) -> Iterator[Call | Chain]:
        """All uses of an attribute of a name, called or not."""
        yield from self.chains
        yield from self.calls

    def resolve(self, name: str, scope: str = "", steps: int = 4) -> str:
        """The full dotted name that a name stands for; variables are followed."""
        first, dot, rest = name.partition(".")
        key = first.removesuffix("()")
        variable = self.variables.get(f"{scope}:{key}") if scope and steps else None
        if variable is not None:
            return f"{self.resolve(variable, scope, steps - 1)}{dot}{rest}"
        return f"{self.names.get(key, key)}{first[len(key) :]}{dot}{rest}"
