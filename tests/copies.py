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
LEFT_OUT = shutil.ignore_patterns(
    *(".git", ".venv*", ".tox", ".carveout", "__pycache__", ".*_cache", "*.egg-info"),
    *("build", "node_modules"),
)


def whole(to: Path) -> Path:
    """Everything that belongs to the repository."""
    shutil.copytree(ROOT, to, ignore=LEFT_OUT)
    return to


def only(context: str, to: Path) -> Path:
    """What a deployment of this one context needs; the other contexts' folders are gone."""
    for name in ("carveout", "shop"):
        shutil.copytree(ROOT / name, to / name, ignore=LEFT_OUT)
    shutil.copy(ROOT / "manage.py", to)
    for other in CONTEXTS:
        for folder in CODE_OF[other]:
            shutil.rmtree(to / folder, ignore_errors=True)
    for folder in CODE_OF[context]:
        shutil.copytree(ROOT / folder, to / folder, ignore=LEFT_OUT)
    return to
