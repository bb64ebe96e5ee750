"""Imports of one app's modules by another's: at the top, in functions, for types only."""

from collections.abc import Iterator

from carveout.survey.coupling import Coupling
from carveout.survey.facts import Import
from carveout.survey.sources import Source, Sources

KIND = "import"


def imports(sources: Sources) -> Iterator[Coupling]:
    for source in sources:
        for each in source.facts.imports:
            coupling = _coupling(source, each, sources)
            if coupling:
                yield coupling


def _coupling(source: Source, each: Import, sources: Sources) -> Coupling | None:
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
        details={"names": [each.name]} if each.name and module != symbol else {},
    )
