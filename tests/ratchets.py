"""A copy of the tangled market, or of any project, with its baseline: changed and checked."""

import re
import shutil
import subprocess
from pathlib import Path

from tests.broken_projects.test_couplings import PROJECT
from tests.forks import Forks, Ran

NAME = "carveout-baseline.txt"
OWNERS = "* @market/all\n/orders/ @market/orders lead@example.com\n"


class Code:
    """A project under a folder; `git` is the real one."""

    package = ""
    """What stands before the names of its apps, with a dot."""
    apps: tuple[str, ...]
    """Folders of apps that have models."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    # -- The survey ----------------------------------------------------------------------------

    def survey(self, *arguments: str) -> Ran:
        raise NotImplementedError

    def check(self) -> list[str]:
        """What is new, as `kind: symbol -> symbol`."""
        ran = self.survey("--check")
        new = re.findall(r"^\S+:\d+: \S+ needs \S+, (.+) \(", ran.out, re.MULTILINE)
        assert (ran.code == 1) == bool(new), ran
        return new

    def write(self) -> str:
        ran = self.survey("--write")
        assert ran.code == 0, ran
        return ran.out

    # -- The baseline --------------------------------------------------------------------------

    @property
    def baseline(self) -> Path:
        return self.folder / NAME

    @property
    def entries(self) -> set[str]:
        return {*re.findall(r"^[^\[#\n].* -> .*$", self.baseline.read_text(), re.MULTILINE)}

    # -- The code ------------------------------------------------------------------------------

    @property
    def modules(self) -> list[Path]:
        """Those of apps, but migrations and tests."""
        found = (path for app in self.apps for path in (self.folder / app).rglob("*.py"))
        aside = {"migrations", "tests", "__init__.py", "tests.py"}
        return sorted(path for path in found if not aside & {*path.parts})

    def append(self, file: str, code: str) -> None:
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((path.read_text() if path.exists() else "") + code)

    def replace(self, file: str, old: str, new: str) -> None:
        text = (self.folder / file).read_text()
        assert old in text, (file, old)
        (self.folder / file).write_text(text.replace(old, new))

    def everywhere(self, pattern: str, new: str) -> None:
        """In all files but the baseline, whose names nobody changes by hand."""
        for path in self.folder.rglob("*"):
            if path.suffix in (".py", ".html"):
                path.write_text(re.sub(pattern, new, path.read_text()))

    def move(self, old: str, new: str) -> None:
        (self.folder / new).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / old).rename(self.folder / new)

    # -- git -----------------------------------------------------------------------------------

    def git(self, *arguments: str, fails: bool = False) -> str:
        ran = subprocess.run(
            ["git", "-c", "user.name=A", "-c", "user.email=a@example.com", *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ran.returncode != 0) == fails, ran
        return ran.stdout

    def undo(self, to: str = "HEAD") -> None:
        self.git("reset", "-q", "--hard", to)
        self.git("clean", "-fdq")

    def commit(self, message: str = "Change") -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)


class Market(Code):
    """`forks` survey it."""

    apps = ("accounts", "catalogue", "orders", "parcels", "reports", "reviews", "suppliers")

    def __init__(self, folder: Path, forks: Forks) -> None:
        super().__init__(folder)
        self.forks = forks

    def copy(self, to: Path) -> "Market":
        shutil.copytree(self.folder, to)
        return Market(to, self.forks)

    def survey(self, *arguments: str) -> Ran:
        return self.forks.run(self.folder, "market.settings", "survey", *arguments)


def market(folder: Path, forks: Forks) -> Market:
    """With a repository, owners, and a baseline of what there is."""
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("__pycache__", "couplings.txt"))
    made = Market(folder, forks)
    (folder / "CODEOWNERS").write_text(OWNERS)
    made.write()
    made.git("init", "-q", "-b", "main")
    made.commit("Begin")
    return made
