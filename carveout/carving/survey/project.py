"""Knows which apps are the project's own, and which app a module, a file or a model belongs to."""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property
from os.path import commonpath
from pathlib import Path
from typing import Any

import msgspec
from django.apps import apps as registry
from django.conf import settings as django_settings
from django.db.models import Model

from carveout.carving.survey.cache import Cache, cache_file
from carveout.carving.survey.project_root import INSTALLED, location, settings_module
from carveout.carving.survey.project_shell import shell
from carveout.carving.survey.unread import Gaps
from carveout.conf.test_files import is_app_of_tests, is_of_tests
from carveout.errors import SettingsInvalid

SHELL = "(project)"
"""The label of first-party code that is in no app: settings, root URLs, and the files near them."""
OURS = "carveout"


class App(msgspec.Struct, frozen=True):
    label: str
    module: str
    path: Path
    own: bool
    """First-party: its folder is under the project's root."""


class Project:
    """The apps under a root, and the contexts that they are grouped into."""

    def __init__(
        self, root: Path, contexts: Mapping[str, Iterable[str]], cached: bool = True
    ) -> None:
        """cached: do not read files that have not changed since the last survey."""
        self.root = root.resolve()
        self.gaps = Gaps(self.root)
        self.cache = Cache(cache_file(self.root) if cached else None)
        configs = [
            App(each.label, each.name, Path(each.path).resolve(), False)
            for each in registry.get_app_configs()
        ]
        self.apps = {
            each.label: msgspec.structs.replace(each, own=self._is_own(each)) for each in configs
        }
        members = {each: name for name, named in contexts.items() for each in named}
        self.parts = {each: app for each in members if (app := self._taken_from(each))}
        """By module that a context takes from an app, and that counts as one: the app's label."""
        label_of = {app.module: label for label, app in self.apps.items()}
        self.contexts = {label_of.get(each, each): name for each, name in members.items()}
        self.url_patterns: list[Any] | None = None
        """The patterns of ROOT_URLCONF; None until they are loaded."""

    def _taken_from(self, member: str) -> str:
        """The first-party app that this member of a context is a module of.

        Empty if the member is an app itself.

        Raises: SettingsInvalid: the module defines models.
        """
        if member in self.apps or any(member == app.module for app in self.apps.values()):
            return ""
        above = [
            app for app in self.apps.values() if app.own and member.startswith(f"{app.module}.")
        ]
        app = max(above, key=lambda each: len(each.module), default=None)
        if app is None or not _is_module(app, member):
            return ""
        for model in registry.get_models():
            if f"{model.__module__}.".startswith(f"{member}."):
                raise SettingsInvalid(
                    f"{member} defines the model {model._meta.label}, and the tables of an app"
                    f" stay together. Put the whole app {app.label} into one context, or choose"
                    " modules of it that define no models."
                )
        return app.label

    def _is_own(self, app: App) -> bool:
        return app.label != OURS and self.holds(app.path)

    # -- Tests ---------------------------------------------------------------------------------

    @cached_property
    def tests(self) -> list[str]:
        """Apps of tests. They are not contexts. An app that a declared context names is not one."""
        return [label for label in self._folders if self._is_of_tests(label)]

    def _is_of_tests(self, label: str) -> bool:
        """Judges by the folder, relative to the app around it, which may be called `testing`."""
        if label in self.contexts:
            return False
        folder = self._folders[label]
        around = self._app_around(folder)
        if around and self._is_of_tests(around):
            return True
        return is_app_of_tests(_from(self._folders.get(around, self._shared), folder))

    def is_of_tests(self, file: str) -> bool:
        """Is this file for tests only? Its path is relative to the root."""
        app = self._app_around(file)
        return app in self.tests or is_of_tests(file, self._folders.get(app, self._shared))

    def _app_around(self, file: str) -> str:
        """The innermost first-party app whose folder holds the file; empty if none does."""
        folder = file
        while folder:
            folder = folder.rpartition("/")[0]
            if folder in self._app_in:
                return self._app_in[folder]
        return ""

    @cached_property
    def _folders(self) -> dict[str, str]:
        """Folders of the first-party apps by label, relative to the root; empty for the root."""
        return {label: _below(self.root, self.apps[label].path) for label in self.own}

    @cached_property
    def _app_in(self) -> dict[str, str]:
        return {folder: label for label, folder in self._folders.items()}

    @property
    def above_all(self) -> Path:
        """The innermost folder that holds all first-party apps."""
        return self.root / self._shared

    @cached_property
    def _shared(self) -> str:
        """The folder that holds all apps: its name says nothing about any of them."""
        parents = [folder.rpartition("/")[0] for folder in self._folders.values()]
        return commonpath(parents) if parents and all(parents) else ""

    # -- Ownership -----------------------------------------------------------------------------

    @cached_property
    def own(self) -> list[str]:
        """Labels of the first-party apps."""
        return [label for label, app in self.apps.items() if app.own]

    @property
    def unknown(self) -> list[str]:
        """Names in contexts that are neither an app nor a module of one."""
        return [each for each in self.contexts if each not in self.apps and each not in self.parts]

    def is_own(self, label: str) -> bool:
        own = label in self.apps and self.apps[label].own
        return label == SHELL or own or label in self.parts

    def context_of(self, label: str) -> str:
        """The context of an app; an app in no context is its own context."""
        return self.contexts.get(label, label)

    def app_of(self, module: str) -> str:
        """The label of the app that holds this module or dotted name; empty if no app does."""
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
        """Is this path first-party: below the root, and not an installed package there?"""
        below = path.is_relative_to(self.root)
        return below and not INSTALLED & {*path.relative_to(self.root).parts}

    def file(self, path: Path) -> str:
        """A path as it is shown: relative to the root."""
        return (
            path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)
        )

    @cached_property
    def alias(self) -> str:
        """The prefix that module names may have if the root is a package on the path too."""
        package = (self.root / "__init__.py").exists() and self.root.name not in self.tops
        return f"{self.root.name}." if package else ""

    @cached_property
    def _shell(self) -> set[str]:
        return shell()

    @cached_property
    def _label_of(self) -> dict[str, str]:
        return {app.module: label for label, app in self.apps.items()} | {
            part: part for part in self.parts
        }

    @cached_property
    def tops(self) -> dict[str, Path]:
        """Top-level packages and modules that hold first-party code, and their paths."""
        names = [app.module for app in self.apps.values() if app.own]
        names += [settings_module(), django_settings.ROOT_URLCONF or ""]
        tops = {}
        for name in filter(None, (each.partition(".")[0] for each in names)):
            path = location(name)
            if path and path.is_relative_to(self.root):
                tops[name] = path
        return tops


def nothing_own(project: Project) -> str:
    """The advice if the project's code is elsewhere, such as in an installed package."""
    tops = Counter(app.module.partition(".")[0] for app in project.apps.values())
    others = [top for top, _ in tops.most_common() if top not in ("django", OURS)]
    folder = location(others[0]) if others else None
    advice = f"Run with --root {folder}: most apps are there." if folder else "Set --root."
    return f"No app found under {project.root}. {advice}"


def _is_module(app: App, name: str) -> bool:
    """Is there a module or a package of this name below the app?"""
    path = app.path.joinpath(*name.removeprefix(f"{app.module}.").split("."))
    return path.is_dir() or path.with_name(f"{path.name}.py").is_file()


def _below(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix() if path != root else ""


def _from(folder: str, path: str) -> str:
    return path.removeprefix(f"{folder}/") if folder else path
