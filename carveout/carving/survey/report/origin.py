"""Names the code that a survey read: the project, its commit, and when it was read."""

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from carveout.carving.survey.project_root import INSTALLED

COMMIT = ("--no-optional-locks", "describe", "--always", "--dirty", "--exclude=*", "--abbrev=10")
"""Without tags, it prints a short hash, with `-dirty` if files were changed since."""
PATIENCE_S = 10


class Origin(NamedTuple):
    root: Path
    read_at: datetime
    commit: str
    """Empty if the root is not in a git checkout, or git is not installed."""

    @property
    def project(self) -> str:
        return self.root.name

    @property
    def time(self) -> str:
        return f"{self.read_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def origin(root: Path) -> Origin:
    """The code below this root, as it is now."""
    return Origin(root, datetime.now(UTC), _commit(root))


def _commit(root: Path) -> str:
    git = shutil.which("git")
    if git is None or INSTALLED & {*root.parts}:
        return ""  # an installed package does not belong to the commit around it
    try:
        done = subprocess.run(
            [git, *COMMIT], cwd=root, capture_output=True, timeout=PATIENCE_S, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return "" if done.returncode else done.stdout.decode().strip()
