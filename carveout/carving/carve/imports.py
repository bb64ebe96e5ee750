"""Adds imports to a file where they belong."""

import sys
from collections.abc import Callable, Iterable

import libcst as cst

from carveout.carving.carve.expressions import LINE_LENGTH, code, dotted, is_docstring

Wanted = tuple[str, str]
"""A module and a name in it; an empty name imports the module."""
Statement = cst.SimpleStatementLine | cst.BaseCompoundStatement


def add(text: str, wanted: Iterable[Wanted], is_own: Callable[[str], bool]) -> str:
    """The file with these imports, sorted into its own. is_own: of a module, is it first-party?"""
    tree = cst.parse_module(text)
    for module, name in sorted(set(wanted)):
        tree = _add(tree, module, name, is_own)
    return tree.code


def add_for_types(text: str, module: str, name: str) -> str:
    """The file with this import under `if TYPE_CHECKING:`."""
    text = add(text, [("typing", "TYPE_CHECKING")], lambda module: False)
    tree = cst.parse_module(text)
    body = list(tree.body)
    for place, each in enumerate(body):
        if isinstance(each, cst.If) and dotted(each.test).endswith("TYPE_CHECKING"):
            inner = _add(cst.Module([*each.body.body]), module, name, _is_any, indent=4)
            body[place] = each.with_changes(body=each.body.with_changes(body=inner.body))
            return tree.with_changes(body=body).code
    after = max(place for place, each in enumerate(body) if _import(each)) + 1
    block = cst.parse_statement(f"if TYPE_CHECKING:\n    from {module} import {name}\n")
    body.insert(after, block.with_changes(leading_lines=[cst.EmptyLine(indent=False)]))
    return tree.with_changes(body=body).code


def _is_any(module: str) -> bool:
    return True


def _add(
    tree: cst.Module, module: str, name: str, is_own: Callable[[str], bool], indent: int = 0
) -> cst.Module:
    body = list(tree.body)
    for place, statement in enumerate(body):
        each = _import(statement)
        if each is None:
            continue
        if _has(each, module, name):
            return tree
        if name and isinstance(each, cst.ImportFrom) and _takes_names(each, module):
            body[place] = statement.with_changes(body=[_wrapped(_with_name(each, name), indent)])
            return tree.with_changes(body=body)
    place = _place(body, module, name, is_own)
    line = f"from {module} import {name}\n" if name else f"import {module}\n"
    body.insert(place, cst.parse_statement(line))
    _separate(body, place, is_own)
    return tree.with_changes(body=body)


def _separate(body: list[Statement], place: int, is_own: Callable[[str], bool]) -> None:
    """Set the blank lines around a new import: one between groups, none inside a group."""
    ours = _group(body[place], is_own)
    before = _group(body[place - 1], is_own) if place else None
    blank = [cst.EmptyLine(indent=False)] if place and before != ours else []
    body[place] = body[place].with_changes(leading_lines=blank)
    after = _group(body[place + 1], is_own) if place + 1 < len(body) else None
    if after is not None:
        old = getattr(body[place + 1], "leading_lines", ())
        kept = [each for each in old if each.comment is not None]
        blank = [cst.EmptyLine(indent=False)] if after != ours else []
        body[place + 1] = body[place + 1].with_changes(leading_lines=[*blank, *kept])


def _group(statement: Statement, is_own: Callable[[str], bool]) -> int | None:
    """The group of an import; None for other statements."""
    each = _import(statement)
    return None if each is None else _rank(_first(each), is_own)


def _place(body: list[Statement], module: str, name: str, is_own: Callable[[str], bool]) -> int:
    ours = (_rank(module, is_own), bool(name), module)
    after = 0
    for place, statement in enumerate(body):
        each = _import(statement)
        if each is None:
            if place == 0 and is_docstring(statement):
                after = 1
            continue
        first = _first(each)
        if first == "__future__":
            after = place + 1
            continue
        if (_rank(first, is_own), isinstance(each, cst.ImportFrom), first) > ours:
            return place
        after = place + 1
    return after


def _rank(module: str, is_own: Callable[[str], bool]) -> int:
    if module == "__future__":
        return -1
    if module.partition(".")[0] in sys.stdlib_module_names:
        return 0
    return 2 if is_own(module) or module.startswith(".") else 1


def _import(statement: cst.CSTNode) -> cst.Import | cst.ImportFrom | None:
    if isinstance(statement, cst.SimpleStatementLine) and len(statement.body) == 1:
        small = statement.body[0]
        if isinstance(small, cst.Import | cst.ImportFrom):
            return small
    return None


def _first(each: cst.Import | cst.ImportFrom) -> str:
    if isinstance(each, cst.ImportFrom):
        return _module(each)
    return dotted(each.names[0].name)


def _module(each: cst.Import | cst.ImportFrom) -> str:
    if isinstance(each, cst.ImportFrom):
        return "." * len(each.relative) + (dotted(each.module) if each.module else "")
    return ""


def _has(each: cst.Import | cst.ImportFrom, module: str, name: str) -> bool:
    if isinstance(each.names, cst.ImportStar):
        return False
    if isinstance(each, cst.Import):
        return not name and any(
            dotted(alias.name) == module and alias.asname is None for alias in each.names
        )
    return _module(each) == module and any(
        dotted(alias.name) == name and alias.asname is None for alias in each.names
    )


def _takes_names(each: cst.ImportFrom, module: str) -> bool:
    return _module(each) == module and not isinstance(each.names, cst.ImportStar)


def _with_name(each: cst.ImportFrom, name: str) -> cst.ImportFrom:
    aliases = list(each.names)  # type: ignore[arg-type]
    place = sum(1 for alias in aliases if _order(dotted(alias.name)) < _order(name))
    if place < len(aliases):
        aliases.insert(
            place,
            aliases[place].with_changes(
                name=cst.Name(name),
                asname=None,
                comma=aliases[0].comma
                if isinstance(aliases[0].comma, cst.Comma)
                else cst.Comma(whitespace_after=cst.SimpleWhitespace(" ")),
            ),
        )
    else:
        last = aliases[-1]
        aliases[-1] = last.with_changes(
            comma=cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
            if len(aliases) < 2
            else aliases[-2].comma
        )
        aliases.append(cst.ImportAlias(cst.Name(name), comma=last.comma))
    return each.with_changes(names=aliases)


def _order(name: str) -> tuple[int, str, str]:
    """Constants first, then classes, then the rest, as isort and ruff sort names."""
    is_constant = len(name) > 1 and name.isupper()
    rank = 0 if is_constant else 1 if name[:1].isupper() else 2
    return rank, name.lower(), name


def _wrapped(each: cst.ImportFrom, indent: int) -> cst.ImportFrom:
    """One name a line, if the names do not fit in one line."""
    text = code(each)
    if each.lpar is not None or indent + len(text) <= LINE_LENGTH:
        return each
    head, _, names = text.partition(" import ")
    lines = "".join(f"    {name.strip()},\n" for name in names.split(","))
    statement = cst.parse_statement(f"{head} import (\n{lines})\n")
    wrapped = _import(statement)
    return wrapped if isinstance(wrapped, cst.ImportFrom) else each
