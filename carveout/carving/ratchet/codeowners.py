"""Finds the owners of a file in the CODEOWNERS of GitHub or GitLab.

Sources: https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/
customizing-your-repository/about-code-owners and
https://docs.gitlab.com/user/project/codeowners/reference/
"""

import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from carveout.conf.requirements import insist_on_carving

if TYPE_CHECKING:
    from codeowners import CodeOwners

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
"""Relative to the repository's root; the first that exists is used."""
SECTION = re.compile(r"\^?\[[^\]]+\](?:\[\d+\])?(?:\s+(.*))?")


class FileOwners:
    """`root`: the folder that paths of files are relative to. The repository may start above it."""

    def __init__(self, root: Path) -> None:
        self.repository = _repository(root)
        self.below = root.relative_to(self.repository)
        self.file = next((each for each in PLACES if (self.repository / each).is_file()), "")

    def of(self, file: str) -> list[str]:
        """Owners as CODEOWNERS names them; all matching sections of GitLab count."""
        if not self.file:
            return []
        path = (self.below / file).as_posix()
        return list(dict.fromkeys(name for each in self._sections for _, name in each.of(path)))

    @cached_property
    def _sections(self) -> "list[CodeOwners]":
        insist_on_carving(f"Reading owners from {self.file}")
        from codeowners import CodeOwners

        return [CodeOwners("\n".join(lines)) for lines in self._read()]

    def _read(self) -> list[list[str]]:
        text = (self.repository / self.file).read_text(encoding="utf-8-sig", errors="replace")
        sections: list[list[str]] = [[]]
        default = ""
        for line in text.splitlines():
            pattern, owners = _split(line)
            heading = SECTION.fullmatch(f"{pattern} {owners}".strip())
            if heading:
                default = heading[1] or ""
                sections.append([])
            elif _is_sound(pattern.removeprefix("!")):
                nobody = pattern.startswith("!")  # takes files out of its section
                named = "" if nobody else owners or default
                sections[-1].append(f"{pattern.removeprefix('!')} {named}")
        return sections


def _repository(root: Path) -> Path:
    """The nearest folder above with a .git (a file, in a worktree); else the root."""
    return next((each for each in (root, *root.parents) if (each / ".git").exists()), root)


def _split(line: str) -> tuple[str, str]:
    """The pattern and its owners, without a comment; a space in a pattern is escaped by \\."""
    pattern, *owners = re.split(r"(?<!\\)\s+", line.strip())
    named = " ".join(owners).partition("#")[0].strip()
    return pattern, named


def _is_sound(pattern: str) -> bool:
    """Whether the pattern can be read. GitHub skips lines that it can't read; so do we."""
    if not pattern or pattern.startswith("#"):
        return False
    from codeowners import CodeOwners

    try:
        CodeOwners(pattern)
    except ValueError:
        return False
    return True
