"""Naming: a coupling by what a line names, and strings that are kept under a name."""

from collections.abc import Iterator
from typing import Any

from carveout.survey.coupling import Coupling
from carveout.survey.facts import Call, Chain, Text
from carveout.survey.sources import Source, Sources


def named(
    source: Source, at: Call | Chain | Text, target: str, sources: Sources, **told: Any
) -> Iterator[Coupling]:
    """One coupling; none with the app itself, and none with what is third-party."""
    if target != source.app and sources.project.is_own(target):
        scope = at.place.scope or at.place.assigned
        yield source.coupling(at.line, scope, target=target, **told)


def text_of(source: Source, given: str, sources: Sources) -> str:
    """A string argument, also one that a name at the top of a module stands for."""
    if not given.startswith("="):
        return given
    module, _, name = sources.origin(source.facts.resolve(given[1:])).rpartition(".")
    holder = sources.by_module.get(module)
    held = holder.facts.strings.get(f":{name}") if holder else None
    return held.value if held else ""


def loaded_classes(sources: Sources) -> Iterator[tuple[str, str]]:
    """Names at the top of modules that a loader gives, as `get_class("orders.views", "Order")`.

    The first string says how the module's name ends, from the package of an app on.
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


def first_text(source: Source, call: Call, sources: Sources, *keywords: str) -> str:
    """The string that a call is given first, or by one of these keywords."""
    given = call.arguments[:1] or tuple(
        call.keywords[each] for each in keywords if each in call.keywords
    )
    return text_of(source, given[0], sources) if given else ""
