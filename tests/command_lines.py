"""Commands that a page tells its reader to run: does each exist, with its options?"""

import functools
import re
import shlex
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path

from django.core.management import get_commands, load_command_class

from tests.copies import ROOT

FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"`((?:(?:\S*python )?manage\.py|\S*python -m carveout|make) [^`\n]+)`")
AFTER = re.compile(r" (?:&&|\|\||[|;>]) ")
"""What ends a command."""
ASSIGNED = re.compile(r"[A-Z_]+=")
VARIABLE = re.compile(r"\$[({](?:or \$\()?([A-Z_]+)|\$\(if \$\(([A-Z_]+)")
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([\w-]+):", MAKEFILE, re.MULTILINE))
ELSEWHERE = ROOT / "examples/tangled"
"""The commands of this project are found by their files: it is not installed here."""


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """The blocks of code on a page, each with its language."""
    for indent, language, block in FENCE.findall(text):
        yield language, re.sub(rf"^{indent}", "", block, flags=re.MULTILINE)


def written(text: str) -> Iterator[str]:
    """All command lines of a page: those after `$ ` in its blocks, and those in its sentences."""
    for _, block in blocks(text):
        yield from re.findall(r"^\$ (.+)$", block.replace("\\\n", " "), re.MULTILINE)
    yield from SPAN.findall(FENCE.sub("", text))


def faults(line: str) -> Iterator[str]:
    """What of a line does not exist."""
    for part in AFTER.split(line):
        try:
            words = shlex.split(part, comments=True)
        except ValueError:  # a quotation mark of the shell that goes on elsewhere
            words = part.split()
        while words and ASSIGNED.match(words[0]):
            words.pop(0)
        if words[:1] == ["make"]:
            yield from unknown_to_make(words[1:])
        elif "manage.py" in words:
            yield from unknown_to_django(words[words.index("manage.py") + 1 :])
        elif words[1:3] == ["-m", "carveout"]:
            yield from unknown_to_django(words[3:], {"--settings"})


def unknown_to_make(words: list[str]) -> Iterator[str]:
    used = {name for pair in VARIABLE.findall(MAKEFILE) for name in pair}
    for word in words:
        name, is_variable, _ = word.partition("=")
        if name not in (used if is_variable else TARGETS):
            yield f"make {word}"


def unknown_to_django(words: list[str], more: set[str] = frozenset()) -> Iterator[str]:
    if not words or not words[0].isidentifier():
        return
    command, *rest = words
    if (known := options(command)) is None:
        yield f"command {command}"
    else:
        given = {word.partition("=")[0] for word in rest if word.startswith("--")}
        yield from (f"{command} {option}" for option in sorted(given - known - more))


@functools.cache
def options(command: str) -> set[str] | None:
    """The long options of a command, also of what comes after a word of it; None without one."""
    if app := get_commands().get(command):
        return set(long_options(load_command_class(app, command).create_parser("", command)))
    files = ELSEWHERE.glob(f"*/management/commands/{command}.py")
    found = [set(re.findall(r'"(--[\w-]+)"', file.read_text())) for file in files]
    return found[0] if found else None


def long_options(parser: ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        yield from (each for each in action.option_strings if each.startswith("--"))
        if isinstance(action.choices, dict):
            for below in action.choices.values():
                yield from long_options(below)


def of(page: Path) -> list[str]:
    return [f"{line}: {fault}" for line in written(page.read_text()) for fault in faults(line)]
