"""Finds imports of another app's modules: at the top, in functions, or for types only."""

from collections.abc import Iterator

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.facts import Import
from carveout.carving.survey.import_uses import STAR, WAYS, Uses
from carveout.carving.survey.sources import SourceFile, Sources

KIND = "import"


def imports(sources: Sources) -> Iterator[Coupling]:
    yield from sources.each(lambda source: _of_source(source, sources))


def _of_source(source: SourceFile, sources: Sources) -> Iterator[Coupling]:
    uses = Uses(source, sources)
    for each in source.facts.imports:
        coupling = _coupling(source, each, sources, uses)
        if coupling:
            yield coupling


def _coupling(source: SourceFile, each: Import, sources: Sources, uses: Uses) -> Coupling | None:
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
    """`names` that are imported, or that are `used` from a module imported as a whole; which of
    them are `constants`; the functions that are called, by their real names and by how they are
    called; or else the `functions`.

    Calls of what the target app only re-exports belong to another app, and are left out.
    """
    symbol = f"{each.module}.{each.name}" if each.name else each.module
    whole = symbol == module or each.name == STAR
    calls = uses.calls(each, module if whole else symbol)
    details = {
        "names": [each.name] if each.name and symbol != module else [],
        "used": uses.names(each, module) if whole else [],
        **calls,
    }
    names = details["used"] if whole else details["names"]
    details["constants"] = uses.constants(each, module, names)
    details["functions"] = [] if any(calls.values()) else uses.functions(module, names)
    for name in (*WAYS, "functions"):
        details[name] = [one for one in details[name] if uses.app_of(one) == uses.app_of(module)]
    return {name: found for name, found in details.items() if found}
