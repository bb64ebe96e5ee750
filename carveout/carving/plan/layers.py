"""Finds layers: apps with pages of nearly all others, such as an `api` with a module for each."""

import re
from collections import Counter
from collections.abc import Collection, Iterable

import msgspec

from carveout.carving.survey.coupling import EVERY, Coupling
from carveout.carving.survey.result import Survey, running

NEEDS = 0.6
"""Share of the other apps, at least two of them, that a layer needs."""
NEEDED_BY = 0.2
"""Share of the other apps, or one of them, that may need a layer."""
PAGES = 0.5
"""Share of a layer's couplings that are of pages."""
OF_PAGES = {"url", "template", "admin", "binding"}
PAGE_NAMES = re.compile(
    r"api|apis|rest|web|pages?|views?|viewsets?|urls|routers?|serializers?|forms?|admin|graphql"
    r"|schema|queries|mutations|resolvers|endpoints|dashboards?|portal|frontend|site|tables"
)
MINE = 0.5
"""Share of a module's couplings with one context, above which that context takes the module."""


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    app: str
    needs: list[str]
    """The apps whose pages it has."""
    needed_by: list[str]
    modules: dict[str, list[str]]
    """The modules that a context might take, by context."""


def layers(found: Survey, apps: Collection[str]) -> list[Layer]:
    """The layers among these apps, judged by couplings of code that runs."""
    couplings = [
        each
        for each in running(found.couplings)
        if each.source in apps and each.target in apps and each.source != each.target
    ]
    return [_layer(app, couplings, found) for app in apps if _is_layer(app, couplings, len(apps))]


def _is_layer(app: str, couplings: Iterable[Coupling], apps: int) -> bool:
    out = [each for each in couplings if each.source == app and not each.in_migrations]
    needs = {each.target for each in out} - {EVERY}
    needed_by = {each.source for each in couplings if each.target == app}
    return (
        len(needs) >= max(2, NEEDS * (apps - 1))
        and len(needed_by) <= max(1, NEEDED_BY * (apps - 1))
        and len(needed_by) < len(needs)
        and sum(map(_is_of_pages, out)) >= PAGES * len(out)
    )


def _is_of_pages(each: Coupling) -> bool:
    parts = each.file.removesuffix(".py").split("/")
    return each.kind in OF_PAGES or any(map(PAGE_NAMES.fullmatch, parts))


def _layer(app: str, couplings: list[Coupling], found: Survey) -> Layer:
    own = [each for each in couplings if each.source == app]
    return Layer(
        app=app,
        needs=sorted({each.target for each in own}),
        needed_by=sorted({each.source for each in couplings if each.target == app}),
        modules=_modules(app, own, found),
    )


def _modules(app: str, own: Iterable[Coupling], found: Survey) -> dict[str, list[str]]:
    """The modules directly below the app that are mostly coupled with one context."""
    package = found.packages.get(app, app)
    by_module: dict[str, Counter[str]] = {}
    for each in own:
        if each.source_symbol.startswith(f"{package}.") and each.file.endswith(".py"):
            name = each.source_symbol[len(package) + 1 :].partition(".")[0]
            context = found.context(each.target)
            by_module.setdefault(f"{package}.{name}", Counter())[context] += 1
    taken: dict[str, list[str]] = {}
    for module, counted in sorted(by_module.items()):
        context, most = max(counted.items(), key=lambda item: (item[1], item[0]))
        if most > MINE * counted.total():
            taken.setdefault(context, []).append(module)
    return dict(sorted(taken.items()))
