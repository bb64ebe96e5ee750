"""A subject: a monolith installed from PyPI under build/monoliths, and what is asked of it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.copies import ROOT

HERE = Path(__file__).parent
INSTALLED = ROOT / "build" / "monoliths"
FOR_US = ["grimp>=3.0", "msgspec>=0.19", "redis>=5.0", "PyJWT>=2.10", "urllib3>=2.2"]
"""What the kit and the oracle need there; the kit itself is that of this checkout."""


@dataclass(frozen=True)
class Subject:
    name: str
    requirement: str
    settings: str
    package: str
    """Where its first-party code is."""

    def __str__(self) -> str:
        return self.name

    @property
    def python(self) -> str:
        """Its interpreter; the first call installs it, which takes minutes."""
        folder = INSTALLED / self.name
        if not (folder / "installed").exists():
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            install = [folder / "bin" / "pip", "install", "--quiet", self.requirement, *FOR_US]
            subprocess.run(install, check=True)
            (folder / "installed").touch()
        return str(folder / "bin" / "python")

    def run(self, *arguments: str) -> str:
        ran = subprocess.run(
            [self.python, *arguments],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(map(str, (ROOT, HERE))),
                "DJANGO_SETTINGS_MODULE": self.settings,
            },
            cwd=INSTALLED / self.name,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def root(self) -> Path:
        code = f"import {self.package} as it; print(it.__path__[0])"
        return Path(self.run("-c", code).strip().splitlines()[-1])

    def json(self, *arguments: str) -> Any:
        out = self.run(*arguments)
        return json.loads(out[out.index("{") :])  # some settings print on the way


class Found:
    """Survey and oracle of one subject, each made once."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject

    @cached_property
    def survey(self) -> Any:
        root = str(self.subject.root())
        return self.subject.json("-m", "carveout", "survey", "--root", root, "--format", "json")

    @cached_property
    def oracle(self) -> Any:
        return self.subject.json(str(HERE / "oracle.py"), self.subject.package)
