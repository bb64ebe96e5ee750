"""The project: which apps are its own, and which app a module, a file or a model belongs to."""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import msgspec
from django.apps import apps as registry
from django.conf import settings as django_settings
from django.db.models import Model

from carveout.survey.cache import Cache, cache_file
from carveout.survey.shell import settings_module, shell

SHELL = "(project)"
"""The label of first-party code that is in no app: settings, root URLs, what lies beside them."""
INSTALLED = {"site-packages", "dist-packages", "node_modules", ".tox", ".venv", "venv"}
OURS = "carveout"


class App(msgspec.Struct, frozen=True):
    label: str
    module: str
    path: Path
    own: bool
    """First-party: it lies under the project's root."""


class Project:
    """The apps under a root, and the contexts that they are grouped into."""

    def __init__(
        self, root: Path, contexts: Mapping[str, Iterable[str]], cached: bool = True
    ) -> None:
        """cached: files that have not changed since the last survey need not be read."""
        self.root = root.resolve()
        self.cache = Cache(cache_file(self.root) if cached else None)
        configs = [
            App(each.label, each.name, Path(each.path).resolve(), False)
            for each in registry.get_app_configs()
        ]
        self.apps = {
            each.label: msgspec.structs.replace(each, own=self._is_own(each)) for each in configs
        }
        self.contexts = self._grouped(contexts)

    def _is_own(self, app: App) -> bool:
        return app.label != OURS and self.holds(app.path)

    def _grouped(self, contexts: Mapping[str, Iterable[str]]) -> dict[str, str]:
        label_of = {app.module: label for label, app in self.apps.items()}
        return {
            label_of.get(app, app): name for name, members in contexts.items() for app in members
        }

    # -- Whose ---------------------------------------------------------------------------------

    @cached_property
    def own(self) -> list[str]:
        """Labels of the first-party apps."""
        return [label for label, app in self.apps.items() if app.own]

    def is_own(self, label: str) -> bool:
        return label == SHELL or (label in self.apps and self.apps[label].own)

    def context_of(self, label: str) -> str:
        """The context of an app; an app that is in none is its own."""
        return self.contexts.get(label, label)

    def app_of(self, module: str) -> str:
        """The label of the app that a module, or a dotted name in it, is in; empty if in none."""
        while module:
            if module in self._shell:
                return SHELL
            label = self._label_of.get(module)
            if label:
                return label
            if module in self.tops:
                return SHELL
            module = module.rpartition(".")[0]
        return ""

    def app_of_model(self, model: type[Model]) -> str:
        return model._meta.app_label

    def holds(self, path: Path) -> bool:
        """Is it first-party: below the root, and not installed there?"""
        below = path.is_relative_to(self.root)
        return below and not INSTALLED & {*path.relative_to(self.root).parts}

    def file(self, path: Path) -> str:
        """A path as it is shown: from the root on."""
        return (
            path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)
        )

    @cached_property
    def alias(self) -> str:
        """What may stand before a module's name, where the root is a package on the path too."""
        package = (self.root / "__init__.py").exists() and self.root.name not in self.tops
        return f"{self.root.name}." if package else ""

    @cached_property
    def _shell(self) -> set[str]:
        return shell()

    @cached_property
    def _label_of(self) -> dict[str, str]:
        return {app.module: label for label, app in self.apps.items()}

    @cached_property
    def tops(self) -> dict[str, Path]:
        """Packages and modules at the top that hold first-party code, and where they are."""
        names = [app.module for app in self.apps.values() if app.own]
        names += [settings_module(), django_settings.ROOT_URLCONF or ""]
        tops = {}
        for name in filter(None, (each.partition(".")[0] for each in names)):
            path = _location(name)
            if path and path.is_relative_to(self.root):
                tops[name] = path
        return tops


def default_root() -> Path:
    """Where manage.py is, above the settings; else the folder of their package."""
    top = settings_module().partition(".")[0]
    path = _location(top) if top else None
    if path is None:
        return Path.cwd()
    for folder in path.parents:
        if folder.name in INSTALLED:
            return path  # the project itself is installed
        if (folder / "manage.py").exists():
            return folder
    return path.parent


def nothing_own(project: Project) -> str:
    """What to do where the project's code is elsewhere, such as in an installed package."""
    tops = Counter(app.module.partition(".")[0] for app in project.apps.values())
    others = [top for top, _ in tops.most_common() if top not in ("django", OURS)]
    folder = _location(others[0]) if others else None
    hint = f": --root {folder}, where most of its apps lie?" if folder else "."
    return f"No app lies under {project.root}. Say where the project's code is{hint}"


def _location(top: str) -> Path | None:
    """The folder of a package, or the file of a module."""
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).resolve()
    return Path(spec.origin).resolve() if spec.origin else None
