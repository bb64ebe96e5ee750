"""Builds couplings from names in code, and reads the strings that names stand for."""

from collections.abc import Iterator
from typing import Any

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.facts import Call, Chain, Text
from carveout.carving.survey.sources import SourceFile, Sources


def named(
    source: SourceFile, at: Call | Chain | Text, target: str, sources: Sources, **fields: Any
) -> Iterator[Coupling]:
    """One coupling; none with the app itself or with a third-party app."""
    if target != source.app and sources.project.is_own(target):
        scope = at.place.scope or at.place.assigned
        yield source.coupling(at.line, scope, target=target, **fields)


def text_of(source: SourceFile, given: str, sources: Sources) -> str:
    """The text of an argument: a string, or a name at the top of a module that holds one."""
    if not given.startswith("="):
        return given
    module, _, name = sources.origin(source.facts.resolve(given[1:])).rpartition(".")
    holder = sources.by_module.get(module)
    held = holder.facts.strings.get(f":{name}") if holder else None
    return held.value if held else ""


def loaded_classes(sources: Sources) -> Iterator[tuple[str, str]]:
    """Names at the top of modules that a loader fills, as `get_class("orders.views", "Order")`.

    The first string is the end of the module's name, beginning with the package of an app.
    """
    packages = {f".{app.module}": app.module for app in sources.project.apps.values()}
    for source in sources:
        for call in source.facts.calls:
            module, name = call.argument(0, "module_label"), call.argument(1, "classname")
            if call.last == "get_class" and call.place.assigned and module and name:
                package, _, last = module.rpartition(".")
                for ending, whole in packages.items():
                    if package and ending.endswith(f".{package}"):
                        alias = f"{source.facts.module}.{call.place.assigned}"
                        yield alias, f"{whole}.{last}.{name}"


def first_text(source: SourceFile, call: Call, sources: Sources, *keywords: str) -> str:
    """The string in a call's first argument, or in one of these keywords."""
    given = call.arguments[:1] or tuple(
        call.keywords[each] for each in keywords if each in call.keywords
    )
    return text_of(source, given[0], sources) if given else ""
