"""Finds fixtures, files of rows, that name another app's models."""

import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings as django_settings

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.model_index import Models
from carveout.carving.survey.module_files import files_below
from carveout.carving.survey.project import SHELL, Project
from carveout.carving.survey.unread import FIXTURE

SUFFIXES = {
    ".json": re.compile(r'"model"\s*:\s*"(\w+\.\w+)"'),
    ".jsonl": re.compile(r'"model"\s*:\s*"(\w+\.\w+)"'),
    ".yaml": re.compile(r"""^[-\s]*model\s*:\s*["']?(\w+\.\w+)["']?\s*(?:#|$)"""),
    ".yml": re.compile(r"""^[-\s]*model\s*:\s*["']?(\w+\.\w+)["']?\s*(?:#|$)"""),
    ".xml": re.compile(r'<object\b[^>]*\bmodel="(\w+\.\w+)"'),
}


def fixtures(project: Project, models: Models) -> Iterator[Coupling]:
    for folder, app in _folders(project):
        for path in files_below(folder, project):
            if path.suffix in SUFFIXES:
                with project.gaps.around(FIXTURE, project.file(path)):
                    yield from _of_file(path, app, project, models)


def _of_file(path: Path, app: str, project: Project, models: Models) -> Iterator[Coupling]:
    file = project.file(path)
    for label, line in _first_lines(path):
        model = models.by_label.get(label.lower())
        target = model._meta.app_label if model else app
        if model and target != app and project.is_own(target):
            yield Coupling(
                kind="string",
                form="fixture",
                source=app,
                source_symbol=file,
                file=file,
                line=line,
                target=target,
                target_symbol=model._meta.label,
            )


def _first_lines(path: Path) -> Iterator[tuple[str, int]]:
    """The labels in a file, each with its first line. Reads line by line, since files are large."""
    seen: set[str] = set()
    with path.open(encoding="utf-8-sig", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            for label in SUFFIXES[path.suffix].findall(line):
                if label not in seen:
                    seen.add(label)
                    yield label, number


def _folders(project: Project) -> Iterator[tuple[Path, str]]:
    """The folders where `loaddata` looks, and their apps."""
    for label in project.own:
        folder = project.apps[label].path / "fixtures"
        if folder.is_dir():
            yield folder, label
    for given in map(Path, django_settings.FIXTURE_DIRS):
        folder = given.resolve()
        if folder.is_dir() and folder.is_relative_to(project.root):
            yield folder, SHELL
