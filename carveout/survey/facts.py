"""Facts: what one Python file says, without a look at any other.

They depend on the file's text alone, and are plain data: they can be kept between two runs.
"""

from collections.abc import Iterator

import msgspec

ALWAYS = "module"
IN_FUNCTION = "function"
FOR_TYPES = "type checking"
LOADED = "models:"
"""What stands before the label of a model that is asked for by it: `models:orders.Order`."""


class Place(msgspec.Struct, frozen=True):
    """Where in a file something stands. `scope` is the class or function around it, or empty."""

    scope: str = ""
    level: str = ALWAYS
    atomic: bool = False
    """Inside a transaction that this very function opens."""
    within: str = ""
    """The call whose argument it is."""
    assigned: str = ""
    """The name that it is assigned to, at the top of the module or of a class."""
    queried: str = ""
    """The call of a query in whose arguments it stands, at whatever depth."""


class Import(msgspec.Struct, frozen=True):
    """`from module import name`; without a name, `import module`."""

    module: str
    name: str
    line: int
    place: Place


class Call(msgspec.Struct, frozen=True):
    """`name` is written as in the code, with () for calls on the way: `Order.objects.all().get`.

    Arguments are kept if they are strings, or names (with `=` before them); others are empty.
    """

    name: str
    line: int
    place: Place
    arguments: tuple[str, ...] = ()
    keywords: dict[str, str] = {}
    alone: bool = False
    """Nobody looks at what it returns."""

    @property
    def last(self) -> str:
        return self.name.rpartition(".")[2]

    def argument(self, position: int, keyword: str) -> str:
        """A string that is handed over either way; empty if there is none."""
        if position < len(self.arguments):
            given = self.arguments[position]
        else:
            given = self.keywords.get(keyword, "")
        return "" if given.startswith("=") else given


class Text(msgspec.Struct, frozen=True):
    """A string that looks like a dotted name, or like all below one: `orders.tasks.*`."""

    value: str
    line: int
    place: Place


class Chain(msgspec.Struct, frozen=True):
    """Attributes of a name: `product.reviews`."""

    name: str
    line: int
    place: Place


class Definition(msgspec.Struct, frozen=True):
    """A class, function or assigned name; `value` is the call or name that is assigned."""

    line: int
    value: str = ""
    target: str = ""
    """The first argument of that call: a string, or a name with `=` before it."""
    bases: tuple[str, ...] = ()
    """What a class inherits from, as written."""
    receiver_lines: dict[str, int] = {}
    """Of a function: where `@receiver` names a signal, by the signal's name as written."""


class Pair(msgspec.Struct, frozen=True):
    """Two strings in a tuple, such as a migration's dependency, and the name they are kept in."""

    first: str
    second: str
    line: int
    of: str


class Swallow(msgspec.Struct, frozen=True):
    """Where an exception is caught without a savepoint, and not raised again."""

    line: int
    place: Place
    calls: tuple[str, ...] = ()
    """What is called there and may fail."""


class Facts(msgspec.Struct, frozen=True):
    """`names` are the file's own names and what they stand for, dotted from the root on."""

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
    """By scope and name: the strings that were assigned, with blanks between them."""
    ends: dict[str, int] = {}
    """By function: the line where the first transaction ends that it opens inside itself."""
    bare: set[tuple[str, str]] = set()
    """Scopes and names that are used there by themselves, and not for an attribute or a call."""
    variables: dict[str, str] = {}
    """By scope and name, as in `place:order`: the chain that was assigned last."""

    def uses(self) -> Iterator[Call | Chain]:
        """Wherever an attribute of a name is used, called or not."""
        yield from self.chains
        yield from self.calls

    def resolve(self, name: str, scope: str = "", steps: int = 4) -> str:
        """What a dotted name stands for, from the root on; variables are followed."""
        first, dot, rest = name.partition(".")
        key = first.removesuffix("()")
        variable = self.variables.get(f"{scope}:{key}") if scope and steps else None
        if variable is not None:
            return f"{self.resolve(variable, scope, steps - 1)}{dot}{rest}"
        return f"{self.names.get(key, key)}{first[len(key) :]}{dot}{rest}"
