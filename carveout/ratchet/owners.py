"""Owners: who a file belongs to, by the CODEOWNERS of GitHub or GitLab.

Sources: https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/
customizing-your-repository/about-code-owners and
https://docs.gitlab.com/user/project/codeowners/reference/
"""

import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codeowners import CodeOwners

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
"""From the repository's root on; the first that is there counts."""
SECTION = re.compile(r"\^?\[[^\]]+\](?:\[\d+\])?(?:\s+(.*))?")


class Owners:
    """`root` is where the files' paths begin; the repository's own root may lie above it."""

    def __init__(self, root: Path) -> None:
        self.repository = _repository(root)
        self.below = root.relative_to(self.repository)
        self.file = next((each for each in PLACES if (self.repository / each).is_file()), "")

    def of(self, file: str) -> list[str]:
        """As CODEOWNERS names them; of GitLab's sections each has its say."""
        if not self.file:
            return []
        path = (self.below / file).as_posix()
        return list(dict.fromkeys(name for each in self._sections for _, name in each.of(path)))

    @cached_property
    def _sections(self) -> "list[CodeOwners]":
        # Imported here: only a project that has such a file needs it.
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
    """The nearest folder with .git, which is a file in a worktree; else the root."""
    return next((each for each in (root, *root.parents) if (each / ".git").exists()), root)


def _split(line: str) -> tuple[str, str]:
    """The pattern and its owners, without a comment; a blank in a pattern has \\ before it."""
    pattern, *owners = re.split(r"(?<!\\)\s+", line.strip())
    named = " ".join(owners).partition("#")[0].strip()
    return pattern, named


def _is_sound(pattern: str) -> bool:
    """GitHub skips a line that it can't read; so do we."""
    if not pattern or pattern.startswith("#"):
        return False
    from codeowners import CodeOwners

    try:
        CodeOwners(pattern)
    except ValueError:
        return False
    return True
