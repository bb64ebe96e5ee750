"""Imports of one app's modules by another's: at the top, in functions, for types only."""

from collections.abc import Iterator

from carveout.survey.coupling import Coupling
from carveout.survey.facts import Import
from carveout.survey.sources import Source, Sources
from carveout.survey.uses import STAR, Uses

KIND = "import"


def imports(sources: Sources) -> Iterator[Coupling]:
    for source in sources:
        uses = Uses(source, sources)
        for each in source.facts.imports:
            coupling = _coupling(source, each, sources, uses)
            if coupling:
                yield coupling


def _coupling(source: Source, each: Import, sources: Sources, uses: Uses) -> Coupling | None:
    symbol = f"{each.module}.{each.name}" if each.name else each.module
    module = symbol if symbol in sources.by_module else each.module
    target = sources.project.app_of(module)
    if not target or target == source.app or not sources.project.is_own(target):
        return None
    return source.coupling(
        each.line,
        each.place.scope,
        kind=KIND,
        form=each.place.level,
        target=target,
        target_symbol=module,
        details=_details(each, module, uses),
    )


def _details(each: Import, module: str, uses: Uses) -> dict[str, list[str]]:
    """`names` of what is imported, or `used` of a module that is imported whole; which of both are
    `constants`; and what is called of it, by its real name."""
    symbol = f"{each.module}.{each.name}" if each.name else each.module
    whole = symbol == module or each.name == STAR
    told = {
        "names": [each.name] if each.name and symbol != module else [],
        "used": uses.names(each, module) if whole else [],
        "calls": uses.calls(each, module if whole else symbol),
    }
    names = told["used"] if whole else told["names"]
    told["constants"] = uses.constants(each, module, names)
    return {name: found for name, found in told.items() if found}
