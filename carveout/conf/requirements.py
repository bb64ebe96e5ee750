"""Checks the packages and versions that each part of Carveout needs.

The engine's are installed with Carveout, in any version that the project has: installing Carveout
never changes a project. Those of carving are an extra.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import NamedTuple

from carveout.errors import NotInstalled


class Need(NamedTuple):
    distribution: str
    module: str
    least: str


ENGINE = (
    Need("Django", "django", "5.2"),
    Need("djangorestframework", "rest_framework", "3.16"),
    Need("PyJWT", "jwt", "2.10"),
    Need("redis", "redis", "5.0"),
    Need("urllib3", "urllib3", "2.2"),
)
CARVING = (
    Need("codeowners", "codeowners", "0.8"),
    Need("libcst", "libcst", "1.5"),
    Need("networkx", "networkx", "3.2"),
    Need("sqlglot", "sqlglot", "26"),
)
"""The extra `carving` of pyproject.toml; a test compares them."""


@lru_cache(maxsize=1)
def insist_on_engine() -> None:
    """Raises: NotInstalled: a package that the engine needs is missing or too old."""
    lacking = [*unmet(ENGINE)]
    if lacking:
        wanted = " ".join(f"'{need.distribution}>={need.least}'" for need, _ in lacking)
        raise NotInstalled(
            f"Carveout's engine needs {_listed(lacking)}: run pip install {wanted}. Survey, plan,"
            " ratchet and recorder work without these, and without 'carveout' in INSTALLED_APPS."
        )


def lacking_for_carving(what: str) -> str:
    """A sentence with what to run; empty if nothing is missing. what: needs it, such as `plan`."""
    lacking = [*unmet(CARVING)]
    if not lacking:
        return ""
    return f"{what} needs {_listed(lacking)}: run pip install 'django-carveout[carving]'."


def insist_on_carving(what: str) -> None:
    """Raises: NotInstalled: a package of the extra `carving` is missing or too old."""
    if lacking := lacking_for_carving(what):
        raise NotInstalled(lacking)


def unmet(needs: Iterable[Need]) -> Iterator[tuple[Need, str]]:
    """The packages that are missing or too old, each with the reason."""
    for need in needs:
        try:
            installed = version(need.distribution)
        except PackageNotFoundError:
            if not find_spec(need.module):
                yield need, "it is not installed"
            continue  # installed, but without version metadata
        if _numbers(installed) < _numbers(need.least):
            yield need, f"{installed} is installed"


def _listed(lacking: Iterable[tuple[Need, str]]) -> str:
    return ", ".join(f"{need.distribution} {need.least} or newer ({why})" for need, why in lacking)


def _numbers(version_: str) -> tuple[int, ...]:
    """The numbers of a version; 6.1rc1 counts as 6.1."""
    release = re.match(r"\d+(\.\d+)*", version_)
    return tuple(map(int, release[0].split("."))) if release else ()
