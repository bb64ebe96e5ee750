"""Finds libraries: modules that many apps import, whichever app they are in."""

from collections.abc import Iterable

from carveout.carving.survey.coupling import Coupling

APPS_MIN = 4
SHARE = 0.5
"""Share of all apps that have to import a library."""


def libraries(couplings: Iterable[Coupling], apps: int) -> frozenset[str]:
    """Names of libraries. Imports in tests or migrations do not count."""
    importers: dict[str, set[str]] = {}
    for each in couplings:
        if each.kind == "import" and not each.in_tests and not each.in_migrations:
            importers.setdefault(each.target_symbol, set()).add(each.source)
    enough = max(APPS_MIN, SHARE * (apps - 1))
    return frozenset(module for module, sources in importers.items() if len(sources) >= enough)
