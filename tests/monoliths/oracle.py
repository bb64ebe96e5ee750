"""The oracle: what Django and grimp say about the couplings of a monolith, by ways of their own.

Run by the monolith's own interpreter: python oracle.py FILE PACKAGE…. Uses nothing of the survey.
"""

import inspect
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django

django.setup()

import grimp  # noqa: E402
from django.apps import apps  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db.models import signals as of_models  # noqa: E402
from django.dispatch import Signal  # noqa: E402
from django.urls import get_resolver  # noqa: E402

OUT, *PACKAGES = sys.argv[1:]
SHELL = "(project)"
SHELLS = tuple(f"{each}." for each in (*os.environ["SETTINGS_IN"].split(), settings.ROOT_URLCONF))
APPS = {config.name: config.label for config in apps.get_app_configs()}
OF_MODELS = {name: signal for name, signal in vars(of_models).items() if isinstance(signal, Signal)}


def app_of(module: str) -> str:
    """The label of the innermost app; the shell for settings, root URLs and what is in no app."""
    if f"{module}.".startswith(SHELLS):
        return SHELL
    holding = [name for name in APPS if f"{module}.".startswith(f"{name}.")]
    if holding:
        return APPS[max(holding, key=len)]
    return SHELL if is_own(module) else ""


def is_own(module: str) -> bool:
    return module.partition(".")[0] in PACKAGES


OWN_LABELS = {label for name, label in APPS.items() if is_own(name)} | {SHELL}


def relations() -> set[tuple[str, str]]:
    """Every relation field, as Django lists them for each model, that leads to another app."""
    found = set()
    for model in apps.get_models(include_swapped=True):
        if model._meta.app_label not in OWN_LABELS:
            continue
        for field in model._meta.get_fields(include_parents=False):
            target = field.related_model if field.is_relation else None
            if target is None or (field.auto_created and not field.concrete):
                continue
            if field.model is not model:
                continue  # a proxy is given the fields of its model
            if target._meta.app_label != model._meta.app_label:
                found.add((f"{model._meta.label}.{field.name}", target._meta.label))
    return found


class Nobody:
    """A sender that only those hear who hear everybody."""


def name_of(receiver: Any) -> tuple[str, str]:
    function = getattr(receiver, "__func__", receiver)
    function = getattr(function, "func", function)
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return function.__module__, getattr(function, "__qualname__", type(function).__name__)


def hears(signal: Signal, sender: Any) -> set[tuple[str, str]]:
    """Who would be called if this sender sent the signal: Django decides."""
    live = signal._live_receivers(sender)
    several = live if isinstance(live, tuple) else (live,)
    return {name_of(receiver) for each in several for receiver in each}


def receivers() -> set[tuple[str, str]]:
    """Receivers of another app's models, and of every model, by function and what they hear."""
    found = set()
    for name, signal in OF_MODELS.items():
        of_all = hears(signal, Nobody)
        found |= {
            (f"{module}.{qualified}", f"{name} of every model")
            for module, qualified in of_all
            if is_own(module)
        }
        for model in apps.get_models(include_auto_created=True, include_swapped=True):
            for module, qualified in hears(signal, model) - of_all:
                if is_own(module) and app_of(module) != model._meta.app_label:
                    found.add((f"{module}.{qualified}", f"{name} of {model._meta.label}"))
    return found


def defines(module: Any, name: str) -> bool:
    """Is the name assigned here, and not only imported?"""
    return re.search(rf"^{name}\s*=", inspect.getsource(module), re.MULTILINE) is not None


def further_signals() -> Iterator[tuple[str, str, Signal]]:
    """All signals but Django's own of models: the app that defines them or nothing, the name."""
    seen = {id(signal) for signal in OF_MODELS.values()}
    modules = [module for name, module in list(sys.modules.items()) if hasattr(module, "__dict__")]
    for module in sorted(modules, key=lambda module: not is_own(module.__name__)):
        for name, signal in list(vars(module).items()):
            if not issubclass(type(signal), Signal) or id(signal) in seen:
                continue
            if not is_own(module.__name__) or defines(module, name):
                seen.add(id(signal))
                yield app_of(module.__name__), name, signal


def further_receivers() -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Receivers of these by the model that sends, and by the signal if that is another app's."""
    of_senders, of_apps = set(), set()
    for home, name, signal in further_signals():
        of_all = hears(signal, Nobody)
        of_configs = [hears(signal, config) for config in apps.get_app_configs()]
        for module, qualified in of_all.union(*of_configs):
            if is_own(module) and home in OWN_LABELS - {app_of(module)}:
                of_apps.add((f"{module}.{qualified}", name))
        for model in apps.get_models(include_auto_created=True, include_swapped=True):
            label = model._meta.app_label
            for module, qualified in hears(signal, model) - of_all:
                if is_own(module) and app_of(module) != label:
                    of_senders.add((f"{module}.{qualified}", f"{name} of {model._meta.label}"))
                if is_own(module) and home in OWN_LABELS - {label, app_of(module)}:
                    of_apps.add((f"{module}.{qualified}", name))
    return of_senders, of_apps


def imports() -> set[tuple[str, str]]:
    """Modules that import a module of another app, as grimp sees them."""
    return {
        (module, other)
        for module, other in edges()
        if is_own(module) and is_own(other) and app_of(module) != app_of(other)
    }


def edges() -> Iterator[tuple[str, str]]:
    """All imports; where code may name modules in two ways, grimp looks twice."""
    yield from imported(grimp.build_graph(*PACKAGES, cache_dir=None))
    if os.environ["ALIAS"]:
        prefix = f"{os.environ['ALIAS']}."
        for module, other in imported(grimp.build_graph(os.environ["ALIAS"], cache_dir=None)):
            yield module.removeprefix(prefix), other.removeprefix(prefix)


def imported(graph: grimp.ImportGraph) -> Iterator[tuple[str, str]]:
    for module in graph.modules:
        for other in graph.find_modules_directly_imported_by(module):
            yield module, other


get_resolver().url_patterns  # noqa: B018 (loads what pages import, and their receivers)
of_senders, of_apps = further_receivers()
found = {
    "relations": sorted(relations()),
    "receivers": sorted(receivers() | of_senders),
    "own signals": sorted(of_apps),
    "imports": sorted(imports()),
    "modules": sorted(grimp.build_graph(*PACKAGES, cache_dir=None).modules),
}
Path(OUT).write_text(json.dumps(found))
