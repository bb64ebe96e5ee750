"""Copies of the repository: whole, or with one context's code and none of the others'."""

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONTEXTS = ("shop", "orders", "notifications", "reviews")
CODE_OF = {
    "shop": ("shop/catalogue", "shop/storefront"),  # the project shell around them stays
    "orders": ("orders",),
    "notifications": ("notifications",),
    "reviews": ("reviews",),
}
NO_CODE = (
    *(".git", ".venv*", ".tox", ".carveout", ".*_cache", "*.egg-info", "build", "node_modules"),
    "*.pyc.*",  # being written
)
WITH_BYTECODE = shutil.ignore_patterns(*NO_CODE)
"""Of a copy that runs: else each of its first processes compiles all of it."""
LEFT_OUT = shutil.ignore_patterns(*NO_CODE, "__pycache__")


def whole(to: Path) -> Path:
    """Everything that belongs to the repository."""
    shutil.copytree(ROOT, to, ignore=WITH_BYTECODE)
    return to


def only(context: str, to: Path) -> Path:
    """What a deployment of this one context needs; the other contexts' folders are gone."""
    for name in ("carveout", "shop"):
        shutil.copytree(ROOT / name, to / name, ignore=WITH_BYTECODE)
    shutil.copy(ROOT / "manage.py", to)
    for other in CONTEXTS:
        for folder in CODE_OF[other]:
            shutil.rmtree(to / folder, ignore_errors=True)
    for folder in CODE_OF[context]:
        shutil.copytree(ROOT / folder, to / folder, ignore=WITH_BYTECODE)
    return to
