"""Finds permissions of another app that are only partly written out, or that no model declares."""

import re
from collections.abc import Iterator

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.facts import Call
from carveout.carving.survey.kinds.naming import named, text_of
from carveout.carving.survey.model_index import Models
from carveout.carving.survey.sources import SourceFile, Sources

ASKED = {"has_perm", "has_perms", "ahas_perm", "permission_required"}
OF_APP = {"has_module_perms", "ahas_module_perms"}
BY_CODENAME = re.compile(r"\bPermission\.objects\b")
CODENAME, APP = "codename", "content_type__app_label"
ASSEMBLED = re.compile(r"^(\w+)\.\w*(\{\}|%s|%\(|$)")
"""The app is written out, but the rest is inserted: `orders.{}_order`."""


def permissions(sources: Sources, models: Models) -> Iterator[Coupling]:
    by_codename = _by_codename(models)
    yield from sources.each(lambda source: _of_source(source, by_codename, sources, models))


def _of_source(
    source: SourceFile, by_codename: dict[str, set[str]], sources: Sources, models: Models
) -> Iterator[Coupling]:
    for call in source.facts.calls:
        if call.last in ASKED:
            yield from _asked(source, call, sources, models)
        elif call.last in OF_APP and call.arguments:
            app = text_of(source, call.arguments[0], sources)
            yield from _named(source, call, app, app, True, sources)
        elif BY_CODENAME.search(call.name):
            codename = text_of(source, call.keywords.get(CODENAME, ""), sources)
            app = text_of(source, call.keywords.get(APP, ""), sources)
            owners = {app} & by_codename.get(codename, {app}) if app else None
            for owner in owners if owners is not None else by_codename.get(codename, ()):
                symbol = f"{owner}.{codename}".rstrip(".")
                yield from _named(source, call, owner, symbol, True, sources)


def _asked(source: SourceFile, call: Call, sources: Sources, models: Models) -> Iterator[Coupling]:
    """Permissions that a call checks, without those that dotted_paths.py finds: full names of
    permissions that a model declares."""
    for given in call.arguments[:1]:
        names = text_of(source, given, sources).split()
        if given.startswith("=") and (len(names) > 1 or models.permissions.keys() & names):
            continue  # found where the string is written
        for name in names:
            app = name.partition(".")[0]
            whole = re.fullmatch(r"\w+\.\w+", name)
            if (whole and name not in models.permissions) or ASSEMBLED.match(name):
                yield from _named(source, call, app, name, False, sources)


def _by_codename(models: Models) -> dict[str, set[str]]:
    """Apps by the codename of their permissions, without codenames of several apps."""
    found: dict[str, set[str]] = {}
    for name in models.permissions:
        app, _, codename = name.partition(".")
        found.setdefault(codename, set()).add(app)
    return {codename: apps for codename, apps in found.items() if len(apps) == 1}


def _named(
    source: SourceFile, call: Call, app: str, symbol: str, sure: bool, sources: Sources
) -> Iterator[Coupling]:
    if app in sources.project.apps:
        fields = {"kind": "string", "form": "permission", "target_symbol": symbol, "sure": sure}
        yield from named(source, call, app, sources, **fields)
