"""Libraries: modules that many apps import, whatever app they lie in."""

from collections.abc import Iterable

from carveout.survey.coupling import Coupling

APPS_MIN = 4
SHARE = 0.5
"""Of all apps that have to import it."""


def libraries(couplings: Iterable[Coupling], apps: int) -> frozenset[str]:
    """By name; what only tests or migrations import does not count."""
    importers: dict[str, set[str]] = {}
    for each in couplings:
        if each.kind == "import" and not each.in_tests and not each.in_migrations:
            importers.setdefault(each.target_symbol, set()).add(each.source)
    enough = max(APPS_MIN, SHARE * (apps - 1))
    return frozenset(module for module, sources in importers.items() if len(sources) >= enough)
