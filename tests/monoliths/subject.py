"""A subject: a monolith installed from PyPI under build/monoliths, and what is asked of it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest

from carveout.conf.requirements import CARVING
from tests.copies import ROOT

HERE = Path(__file__).parent
INSTALLED = ROOT / "build" / "monoliths"
FOR_CARVING = [f"{each.distribution}>={each.least}" for each in CARVING]
FOR_US = ["grimp>=3.0", "msgspec>=0.19", *FOR_CARVING]
"""What the kit and the oracle need there; the kit itself is that of this checkout."""


@dataclass(frozen=True)
class Subject:
    name: str
    requirement: str
    settings: str
    settings_in: str
    """The modules, or packages of modules, that are all settings; blanks between them."""
    folder: str
    """Where its first-party code is, in site-packages: the root of the survey."""
    packages: tuple[str, ...]
    """The packages that hold it, by the names that they are imported by."""
    on_path: bool = False
    """The folder is on the path, and the packages lie in it."""
    apart: bool = False
    """Its packages would lie beside its libraries, so the folder is one of its own."""
    least: str = ""
    """The oldest Python that it runs on, such as `3.12`."""
    env: Mapping[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    """Packages that it can do without, and that need more than Python to be installed."""
    instead: tuple[str, ...] = ()
    """Packages for those that it can't do without."""
    keeps: tuple[str, ...] = ()
    """Packages that it pins to versions older than the kit's, which no survey loads."""

    def __hash__(self) -> int:
        return hash(self.name)

    def __str__(self) -> str:
        return self.name

    @property
    def home(self) -> Path:
        return INSTALLED / self.name

    @property
    def root(self) -> Path:
        home = Path(self.python).parent.parent  # the first that asks installs it
        return home / self.folder if self.apart else self.libraries / self.folder

    @property
    def libraries(self) -> Path:
        return next(self.home.glob("lib/python*/site-packages"))

    @property
    def python(self) -> str:
        """Its interpreter; the first call installs it, which takes minutes."""
        marker, wanted = self.home / "installed", "\n".join([self.requirement, *FOR_US])
        if not marker.exists() or marker.read_text() != wanted:
            subprocess.run([self._interpreter, "-m", "venv", self.home], check=True)
            for_us = [each for each in FOR_US if not each.startswith(self.keeps or " ")]
            if self.without:
                target = ("--target", str(self.home / self.folder)) if self.apart else ()
                self._install(self.requirement, "--no-deps", *target)
                self._install(*self._needed(), *self.instead, *for_us)
            else:
                self._install(self.requirement, *for_us)
            marker.write_text(wanted)
        return str(self.home / "bin" / "python")

    @property
    def _interpreter(self) -> str:
        if not self.least or sys.version_info >= tuple(map(int, self.least.split("."))):
            return sys.executable
        found = shutil.which(f"python{self.least}")
        if found is None:
            pytest.skip(
                f"{self.name} needs Python {self.least}, and there is no python{self.least}"
            )
        return found

    def _install(self, *what: str) -> None:
        subprocess.run([self.home / "bin" / "pip", "install", "--quiet", *what], check=True)

    def _needed(self) -> list[str]:
        """What the requirement itself requires, but for what it can do without."""
        folder = self.home / self.folder if self.apart else self.libraries
        name = self.requirement.partition("==")[0]
        (found,) = distributions(name=name, path=[str(folder)])
        return [
            each
            for each in found.requires or ()
            if "extra ==" not in each and not each.startswith(self.without)
        ]

    @property
    def environment(self) -> dict[str, str]:
        path = [str(ROOT), str(HERE), *([str(self.root)] if self.on_path else [])]
        ours = {
            "PYTHONPATH": os.pathsep.join(path),
            "DJANGO_SETTINGS_MODULE": self.settings,
            "SETTINGS_IN": self.settings_in,
            "ALIAS": self.folder if self.on_path and not self.apart else "",
        }
        return {**os.environ, **ours, **self.env}

    def run(self, *arguments: str) -> str:
        ran = subprocess.run(
            [self.python, *arguments],
            env=self.environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout


class Found:
    """Survey and oracle of one subject, each made once."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject

    @cached_property
    def survey(self) -> Any:
        out = self.subject.home / "survey.json"
        root = str(self.subject.root)
        told = ("--format", "json", "--output", str(out))
        self.subject.run("-m", "carveout", "survey", "--root", root, *told)
        return json.loads(out.read_text())

    @cached_property
    def oracle(self) -> Any:
        out = self.subject.home / "oracle.json"
        self.subject.run(str(HERE / "oracle.py"), str(out), *self.subject.packages)
        return json.loads(out.read_text())
