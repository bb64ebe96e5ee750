"""Finds out which app a source file belongs to, and what role its frames have."""

import sys
from pathlib import Path

import msgspec

from carveout.carving.survey.project import SHELL, Project
from carveout.carving.survey.project_root import INSTALLED
from carveout.conf.test_files import is_of_tests

CODE, TESTS, MIGRATION = "code", "tests", "migrations"
"""Roles of first-party files."""
OTHER, DATABASE, HANDLER, TEMPLATE, WRAPPING, FACTORY, FIXTURE, RUNNER = (
    "other",
    "database",
    "handler",
    "template",
    "wrapping",
    "factory",
    "fixture",
    "runner",
)
"""Roles of third-party files, if they matter for the frames around them."""
PARTS = {
    "django/db/migrations/": MIGRATION,
    "django/db/": DATABASE,
    "django/core/handlers/base.py": HANDLER,
    "django/template/base.py": TEMPLATE,
    "_pytest/fixtures.py": FIXTURE,
    "/factory/": FACTORY,
    "/model_bakery/": FACTORY,
    "/model_mommy/": FACTORY,
    "/mixer/": FACTORY,
    "/contextlib.py": WRAPPING,
}
RUNNERS = {Path(__file__).resolve().with_name("django_runner.py")}
"""Files of test runners. Their callers, such as `manage.py`, are responsible for nothing."""


class Owner(msgspec.Struct, frozen=True):
    """Role and app of a file. Only files of the project itself have `module` and `file`."""

    role: str
    app: str = ""
    module: str = ""
    file: str = ""

    @property
    def own(self) -> bool:
        return bool(self.file)


class FileRoles:
    """Owners by file name, as code objects have it. Each file is examined once."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._known: dict[str, Owner] = {}

    def of(self, filename: str) -> Owner:
        known = self._known.get(filename)
        if known is None:
            known = self._known[filename] = self._look(filename)
        return known

    def of_module(self, module: str) -> Owner:
        """The owner of a module's code; nobody if it has no file."""
        return self.of(getattr(sys.modules.get(module), "__file__", None) or "")

    def _look(self, filename: str) -> Owner:
        path = Path(filename)
        root = self.project.root
        if filename.endswith(".py") and not path.is_relative_to(root):
            path = path.resolve()
        if path.resolve() in RUNNERS:
            return Owner(RUNNER)
        if not self.project.holds(path):
            return _test_elsewhere(path) or self._of_others(path)
        file = path.relative_to(root).as_posix()
        module = self._module(path)
        return Owner(self._role(file), self.project.app_of(module) or SHELL, module, file)

    def _role(self, file: str) -> str:
        if "/migrations/" in f"/{file}":
            return MIGRATION
        return TESTS if self.project.is_of_tests(file) else CODE

    def _of_others(self, path: Path) -> Owner:
        role = next((role for part, role in PARTS.items() if part in path.as_posix()), OTHER)
        apps = [app for app in self.project.apps.values() if path.is_relative_to(app.path)]
        innermost = max(apps, key=lambda app: len(app.path.parts), default=None)
        return Owner(role, innermost.label if innermost else "")

    def _module(self, path: Path) -> str:
        """The dotted name of a file, relative to its top-level package, else to the root."""
        for name, top in self.project.tops.items():
            if path == top:
                return name
            if path.is_relative_to(top):
                parts = [name, *path.relative_to(top).with_suffix("").parts]
                return ".".join(parts).removesuffix(".__init__")
        return ".".join(path.relative_to(self.project.root).with_suffix("").parts)


def _test_elsewhere(path: Path) -> Owner | None:
    """A test that is next to the project's root, not below it."""
    if INSTALLED & {*path.parts} or not is_of_tests("/".join(path.parts[-2:])):
        return None
    return Owner(TESTS, SHELL, path.stem, path.as_posix())
