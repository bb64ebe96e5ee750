"""Follows the variables that a query is given back to the words that they hold."""

from collections.abc import Iterator

import msgspec

from carveout.carving.survey.facts import AT_ONCE, Call, Held, Scope, Text, Word
from carveout.carving.survey.project_root import settings_module
from carveout.carving.survey.sources import SourceFile, Sources

STAR = "*"
STEPS_MAX = 8
"""How many variables may be between a string and the query."""
SETTINGS = "django.conf.settings."
OWN = ("self", "cls")

Seen = frozenset[tuple[str, str, str, int]]


class Holder(msgspec.Struct, frozen=True):
    """What a name holds, and the file and scope where it does."""

    source: SourceFile
    names: str
    held: list[Held]


def words(source: SourceFile, call: Call, sources: Sources) -> Iterator[tuple[Word, Call | Text]]:
    """The words of a query, and where each is written: in the call, or where a variable gets it."""
    for word in call.words:
        if not word.variable:
            yield word, call
            continue
        before = max(call.line, call.until) + 1
        for held, at in _held(source, word, call.place, before, sources, frozenset()):
            yield held, at or call


def _held(
    source: SourceFile, name: Word, place: Scope, before: int, sources: Sources, seen: Seen
) -> Iterator[tuple[Word, Text | None]]:
    """The words of a variable as used before a line; without a place if from another file."""
    for found in _found(source, name.variable, place, sources):
        near = found.source is source and found.names == place.names
        for each in _reaching(found.held, before) if near else _reaching(found.held, 0):
            mark = (found.source.facts.module, found.names, name.variable, each.line)
            if mark in seen or len(seen) > STEPS_MAX:
                continue
            for word in each.words:
                made = name.of(word)
                if made is None:
                    continue
                if not word.variable:
                    text = Text(made.value, each.line, each.place)
                    yield made, text if found.source is source else None
                    continue
                until = max(each.line, each.until + 1)
                inner = _held(found.source, made, each.place, until, sources, seen | {mark})
                yield from ((held, at if found.source is source else None) for held, at in inner)


def _reaching(held: list[Held], before: int) -> list[Held]:
    """What a variable may hold before a line, without what was replaced by then.

    `before` 0: what it holds after the last such statement.
    """
    everywhere = not before
    earlier = [each for each in held if everywhere or each.line < before or each.until == AT_ONCE]
    last = max((n for n, each in enumerate(earlier) if each.alone), default=0)
    return earlier[last:]


def _found(source: SourceFile, name: str, place: Scope, sources: Sources) -> Iterator[Holder]:
    """Where a name is assigned: in the function, around it, in its class, or elsewhere."""
    first, _, rest = name.partition(".")
    if first in OWN and rest:
        yield from _of_class(source, place.scope, rest, sources)
        return
    scopes = [place.names, *_around(place.scope)]
    for scope in scopes:
        held = source.facts.held.get(f"{scope}:{name}")
        if held is not None:
            yield Holder(source, scope, held)
            return
        if f"{scope}:{first}" in source.facts.held and scope:
            return  # an object that is known only inside the function
    yield from _elsewhere(source.facts.resolve(name), sources)
    if first.removesuffix("()") not in source.facts.names:
        for each in source.facts.imports:
            if each.name == STAR:
                yield from _elsewhere(f"{each.module}.{name}", sources)


def _around(scope: str) -> Iterator[str]:
    """The functions around a scope, and the module."""
    while scope:
        scope = scope.rpartition(".")[0]
        yield scope


def _of_class(
    source: SourceFile, scope: str, name: str, sources: Sources, steps: int = STEPS_MAX
) -> Iterator[Holder]:
    """What a method's class, or a base class, holds in an attribute of itself."""
    cls = next((each for each in (scope, *_around(scope)) if each in source.facts.classes), "")
    if not cls or not steps:
        return
    own = source.facts.held.get(f"{cls}.:{name}")
    if own is not None:
        yield Holder(source, f"{cls}.", own)
    for key, held in source.facts.held.items():
        method, _, variable = key.partition(":")
        if variable == f"self.{name}" and method.startswith(f"{cls}."):
            yield Holder(source, method, held)
    if own is None:
        definition = source.facts.definitions.get(cls)
        for base in definition.bases if definition else ():
            yield from _inherited(source, base, name, sources, steps - 1)


def _inherited(
    source: SourceFile, base: str, name: str, sources: Sources, steps: int
) -> Iterator[Holder]:
    full = sources.origin(source.facts.resolve(base))
    module = sources.module_of(full)
    if module and len(full) > len(module):
        scope = full[len(module) + 1 :]
        yield from _of_class(sources.by_module[module], scope, name, sources, steps)


def _elsewhere(name: str, sources: Sources) -> Iterator[Holder]:
    """What a name holds at the top of a module, or in a class there."""
    plain = name.removesuffix("()")
    called = name[len(plain) :]
    if plain.startswith(SETTINGS):
        plain = f"{settings_module()}.{plain.removeprefix(SETTINGS)}"
    full = sources.origin(plain)
    module = sources.module_of(full)
    holder, _, last = full[len(module) + 1 :].rpartition(".")
    if not module or not last:
        return
    home = sources.by_module[module]
    held = home.facts.held.get(f":{last}{called}" if not holder else f"{holder}.:{last}{called}")
    if held is not None:
        yield Holder(home, f"{holder}." if holder else "", held)
    elif holder:
        yield from _of_class(home, holder, f"{last}{called}", sources)
