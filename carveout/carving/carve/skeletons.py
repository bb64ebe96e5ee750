"""Writes events, lookups, readers and subscribers into the files where they belong."""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from carveout.carving.carve.expressions import LINE_LENGTH
from carveout.carving.carve.fields import Fields, Leaf
from carveout.carving.carve.imports import Wanted

TYPE_IMPORTS: dict[str, Wanted] = {
    "Decimal": ("decimal", "Decimal"),
    "datetime": ("datetime", "datetime"),
    "date": ("datetime", "date"),
    "UUID": ("uuid", "UUID"),
}
OUTSIDE = 'via="rq", ordered=True, atomic=False, replayable=False'
"""The options of a subscription that sends mail or HTTP requests."""


class Added(NamedTuple):
    """A file after something was added to it."""

    text: str
    imports: tuple[Wanted, ...] = ()
    lacking: str = ""
    """What a person has to add; then nothing was added."""


def with_block(text: str, name: str, block: str) -> str:
    """The file with this class or function at its end, unless it has one of the name."""
    return text if name in names_in(text) else f"{text.rstrip()}\n\n\n{block.rstrip()}\n"


def names_in(text: str) -> dict[str, ast.stmt]:
    """Classes, functions and assigned names at the top of a file."""
    found: dict[str, ast.stmt] = {}
    for each in ast.parse(text).body:
        if isinstance(each, ast.ClassDef | ast.FunctionDef):
            found[each.name] = each
        elif isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name):
            found[each.targets[0].id] = each
    return found


# -- Events ------------------------------------------------------------------------------------


def with_event(text: str, name: str, key: str, fields: Mapping[str, str], doc: str) -> Added:
    """fields: the types by name."""
    known = names_in(text).get(name)
    if isinstance(known, ast.ClassDef):
        has = {_target(each) for each in known.body if isinstance(each, ast.AnnAssign)}
        lacking = ", ".join(field for field in fields if field not in has)
        if lacking:
            return Added(
                text, (), f"the event {name} has no {lacking}; name another --event or --key"
            )
        return Added(text)
    lines = "".join(f"    {field}: {type_}\n" for field, type_ in fields.items())
    block = f'class {name}(carveout.Event, key="{key}"):\n    """{doc}"""\n\n{lines}'
    return Added(with_block(text, name, block), (("carveout", ""), *_types(fields.values())))


def _target(each: ast.AnnAssign) -> str:
    return each.target.id if isinstance(each.target, ast.Name) else ""


def _types(types: Iterable[str]) -> Iterator[Wanted]:
    for each in types:
        name = each.partition(" ")[0]
        if name in TYPE_IMPORTS:
            yield TYPE_IMPORTS[name]


# -- The owner's lookup ------------------------------------------------------------------------


def with_lookup(text: str, name: str, key: str, fields: Fields) -> Added:
    """Offer what is read of a model. Serializers that are there get the fields that they lack."""
    for each in _nested(fields):
        text, lacking = _with_serializer(text, each)
        if lacking:
            return Added(text, (), lacking)
    model = fields.model
    view = f"{model.__name__}Lookup"
    block = (
        f'@carveout.lookup("{name}", key="{key}")\n'
        f"class {view}(carveout.LookupViewSet):\n"
        f"    queryset = {_queryset(fields)}\n"
        f"    serializer_class = {_serializer(fields)}\n"
    )
    imports = (
        ("carveout", ""),
        ("rest_framework", "serializers"),
        (model.__module__, model.__name__),
    )
    known = names_in(text).get(view)
    if isinstance(known, ast.ClassDef):
        decorators = [ast.unparse(each) for each in known.decorator_list]
        if f"carveout.lookup({name!r}, key={key!r})" not in decorators:
            return Added(text, (), f"{view} is not a lookup {name} by {key}; name its own --key")
        return Added(text, (("rest_framework", "serializers"),))
    return Added(with_block(text, view, block), imports)


def _nested(fields: Fields) -> Iterator[Fields]:
    """The fields of all models, the innermost first."""
    for each in fields.read.values():
        if isinstance(each, Fields):
            yield from _nested(each)
    yield fields


def _serializer(fields: Fields) -> str:
    return f"{fields.model.__name__}Serializer"


def _with_serializer(text: str, fields: Fields) -> tuple[str, str]:
    name = _serializer(fields)
    lines = {wire(step, each): _serializer_line(step, each) for step, each in fields.read.items()}
    known = names_in(text).get(name)
    if not isinstance(known, ast.ClassDef):
        body = "".join(f"    {line}\n" for line in lines.values())
        return with_block(text, name, f"class {name}(serializers.Serializer):\n{body}"), ""
    offered = _offered(known)
    missing = {field: line for field, line in lines.items() if field not in offered}
    if not missing:
        return text, ""
    if [ast.unparse(base) for base in known.bases] != ["serializers.Serializer"]:
        return text, f"{name} does not offer {', '.join(missing)}"
    place = max((each.end_lineno or 0) for each in known.body if isinstance(each, ast.Assign))
    rows = text.splitlines(keepends=True)
    rows[place:place] = [f"    {line}\n" for line in missing.values()]
    return "".join(rows), ""


def _offered(serializer: ast.ClassDef) -> set[str]:
    found = set()
    for each in ast.walk(serializer):
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name):
            found.add(each.targets[0].id)
            if each.targets[0].id == "fields" and isinstance(each.value, ast.List | ast.Tuple):
                names = [one.value for one in each.value.elts if isinstance(one, ast.Constant)]
                found |= {str(one) for one in names}
    return found


def wire(step: str, each: "Leaf | Fields") -> str:
    """The name under which something is offered."""
    return f"{step}_all" if isinstance(each, Fields) and each.many else step


def _serializer_line(step: str, each: "Leaf | Fields") -> str:
    if isinstance(each, Leaf):
        return f"{step} = serializers.{each.serializer}"
    options = f'source="{step}", many=True' if each.many else ""
    return f"{wire(step, each)} = {_serializer(each)}({options})"


def _queryset(fields: Fields) -> str:
    single, several = list(_relations(fields, "", within_many=False)), []
    several = [path for path, many in single if many]
    joined = [path for path, many in single if not many]
    text = f"{fields.model.__name__}.objects"
    if joined:
        text += f".select_related({', '.join(map(_quoted, joined))})"
    if several:
        text += f".prefetch_related({', '.join(map(_quoted, several))})"
    return text if joined or several else f"{text}.all()"


def _relations(fields: Fields, before: str, *, within_many: bool) -> Iterator[tuple[str, bool]]:
    """The longest paths of relations, and whether one of their steps has several rows."""
    for step, each in fields.read.items():
        if isinstance(each, Fields):
            many = within_many or each.many
            further = list(_relations(each, f"{before}{step}__", within_many=many))
            yield from further or [(f"{before}{step}", many)]


def _quoted(text: str) -> str:
    return f'"{text}"'


# -- The reader --------------------------------------------------------------------------------


class NewReader(NamedTuple):
    """A reader and what it reads."""

    name: str
    of: str
    by: str
    """The event's field that has its key; empty if that is the event's key."""
    fields: Fields
    suffix: str
    """What the names of nested classes end with, such as `ToTell`."""


def with_reader(text: str, reader: NewReader, doc: str) -> Added:
    imports: set[Wanted] = {("carveout", "")}
    for each in _nested(reader.fields):
        is_root = each is reader.fields
        class_ = reader.name if is_root else f"{each.model.__name__}{reader.suffix}"
        by = f', by="{reader.by}"' if reader.by else ""
        base = f'carveout.Lookup, of="{reader.of}"{by}' if is_root else "msgspec.Struct"
        if not is_root:
            imports.add(("msgspec", ""))
        lines, properties = _reader_body(each, reader.suffix)
        note = f'    """{doc}"""\n\n' if is_root else ""
        block = f"class {class_}({base}):\n{note}{''.join(lines)}{''.join(properties)}"
        text = with_block(text, class_, block)
        imports |= {*_types([leaf.type for leaf in each.read.values() if isinstance(leaf, Leaf)])}
    return Added(text, tuple(imports))


def _reader_body(fields: Fields, suffix: str) -> tuple[list[str], list[str]]:
    lines, properties = [], []
    for step, each in fields.read.items():
        if isinstance(each, Leaf):
            lines.append(f"    {step}: {each.type}\n")
            continue
        inner = f"{each.model.__name__}{suffix}"
        lines.append(f"    {wire(step, each)}: {f'list[{inner}]' if each.many else inner}\n")
        if each.many:
            properties.append(
                f"\n    @property\n    def {step}(self) -> carveout.RowList[{inner}]:\n"
                f"        return carveout.RowList(self.{wire(step, each)})\n"
            )
    return lines, properties


# -- The subscriber ----------------------------------------------------------------------------


class Handler(NamedTuple):
    """A subscriber that calls the function."""

    function: str
    call: str
    """The function as it is called there: `services.tell`."""
    named: str
    """The function as a person calls it."""
    seam: str
    readers: Sequence[tuple[str, str]]
    """What is looked up: parameter and reader."""
    arguments: Sequence[tuple[str, str, bool]]
    """Parameter, expression, and whether it must be passed by keyword."""
    tables: Mapping[str, Mapping[str, str]]
    """By parameter: the constant that it gets, by event type."""
    types: Sequence[str]
    reaches_outside: bool
    typed: bool
    """Whether the function has annotations."""


def table(function: str, parameter: str) -> str:
    return f"{function}_{parameter}".upper()


def with_handler(text: str, handler: Handler) -> Added:
    known = names_in(text)
    if handler.function in known:
        return Added(text, (), f"{handler.function} is there already")
    for parameter, by_type in handler.tables.items():
        entries = "".join(f'    "{type_}": {value},\n' for type_, value in by_type.items())
        name = table(handler.function, parameter)
        blank = "\n\n\n" if "\ndef " in text else "\n\n"
        text = f"{text.rstrip()}{blank}{name} = {{\n{entries}}}\n"
    return Added(f"{text.rstrip()}\n\n\n{_handler(handler)}", (("carveout", ""),))


def _handler(handler: Handler) -> str:
    types = [_quoted(each) for each in handler.types]
    options = [f'seam="{handler.seam}"']
    options.append(OUTSIDE if handler.reaches_outside else "ordered=True")
    decorator = f"@carveout.subscribe({', '.join([*types, *options])})"
    if len(decorator) > LINE_LENGTH:
        each = [*types, options[0], *options[1].split(", ")]
        decorator = "@carveout.subscribe(\n" + "".join(f"    {one},\n" for one in each) + ")"
    looked_up = "".join(f", {name}: {reader}" for name, reader in handler.readers)
    event = "event: carveout.ReceivedEvent" if handler.typed else "event"
    returns = " -> None" if handler.typed else ""
    passed = ", ".join(
        f"{name}={value}" if by_keyword else value for name, value, by_keyword in handler.arguments
    )
    return (
        f"{decorator}\ndef {handler.function}({event}{looked_up}){returns}:\n"
        f'    """Does what the call of {handler.named} did."""\n'
        f"    {handler.call}({passed})\n"
    )
