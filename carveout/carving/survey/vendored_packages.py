"""Finds vendored packages: third-party code inside the project's root.

It recognises them by a folder such as `vendor`, or by the files that pip wrote when it installed
them there. A licence of its own counts too, if the code needs nothing of the project; else it may
be a part of the project with another licence.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.project import SHELL, Project
from carveout.carving.survey.project_root import settings_module

FOLDERS = {"vendor", "vendors", "vendored", "third_party", "third_parties", "thirdparty", "extern"}
"""Names of folders, with or without a leading `_`."""
LICENCES = ("LICENSE", "LICENCE", "COPYING", "PKG-INFO")


def vendored(project: Project, couplings: Iterable[Coupling]) -> list[str]:
    """Labels of vendored apps. An app that a declared context names is not one of them."""
    needs = {each.source for each in couplings if _needs_another(each, project)}
    return [
        label
        for label in project.own
        if label not in project.contexts and _is_vendored(project, label, needs)
    ]


def _needs_another(each: Coupling, project: Project) -> bool:
    target = each.target
    return target not in (each.source, SHELL) and project.is_own(target) and not each.in_tests


def _is_vendored(project: Project, label: str, needs: set[str]) -> bool:
    folders = list(_folders(project.apps[label].path, project.above_all))
    apps = {app.path for app in project.apps.values()}  # an app may itself be called `vendors`
    if any(each.name.lstrip("_") in FOLDERS and each not in apps for each in folders[1:]):
        return True
    return any(map(_was_installed, folders)) or (
        label not in needs and any(map(_has_licence, folders))
    )


def _folders(path: Path, top: Path) -> Iterator[Path]:
    """The app's own folder, and those around it that do not hold all apps."""
    while path != top and path.is_relative_to(top):
        yield path
        path = path.parent


def _was_installed(folder: Path) -> bool:
    """Did `pip install --target` put it there? Not if it put the settings there with it."""
    settings = settings_module().partition(".")[0]
    for record in folder.parent.glob("*.dist-info/RECORD"):
        files = f"\n{record.read_text('utf-8', errors='replace')}"
        is_the_project = f"\n{settings}/" in files or f"\n{settings}.py," in files
        if f"\n{folder.name}/" in files and not is_the_project:
            return True
    return False


def _has_licence(folder: Path) -> bool:
    try:
        return any(each.name.upper().startswith(LICENCES) for each in folder.iterdir())
    except OSError:
        return False
