"""Edits a project at random and surveys it after each edit, with the cache and without.

Run in a copy of a project: python -m tests.survey_edits SEED EDITS. Stops at the first difference.
"""

import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import django

django.setup()

from carveout.carving.survey.cache import cache_file  # noqa: E402
from carveout.carving.survey.project import Project  # noqa: E402
from carveout.carving.survey.report.text import as_json  # noqa: E402
from carveout.carving.survey.run import survey  # noqa: E402

ROOT = Path.cwd()
LINES = [
    b"from orders.models import Order\n",
    b"import reviews.models as seen\n",
    b"def late():\n    return order.buyer.reviews\n",
    b"{% url 'orders:detail' order.pk %}{{ order.buyer.name }}\n",
    b"{% comment %}\n",
    b"\xff",
    b"print 'of old'\n",
]
Edit = Callable[[random.Random], str]


def files() -> list[Path]:
    return sorted(path for path in ROOT.rglob("*") if path.suffix in (".py", ".html"))


def add_a_line(chosen: random.Random) -> str:
    path = chosen.choice(files())
    path.write_bytes(path.read_bytes() + chosen.choice(LINES))
    return f"add a line to {path}"


def take_a_line(chosen: random.Random) -> str:
    path = chosen.choice(files())
    lines = path.read_bytes().splitlines(keepends=True)
    del lines[chosen.randrange(len(lines) + 1) : chosen.randrange(len(lines) + 1)]
    path.write_bytes(b"".join(lines))
    return f"take lines from {path}"


def rename(chosen: random.Random) -> str:
    path = chosen.choice(files())
    path.rename(path.with_stem(chosen.choice(["models", "views", "admin", "other", "__init__"])))
    return f"rename {path}"


def copy(chosen: random.Random) -> str:
    source, target = chosen.sample(files(), 2)
    shutil.copy2(source, target)  # as old as the source, and often as long as the target was
    return f"copy {source} to {target}"


def swap(chosen: random.Random) -> str:
    one, other = chosen.sample(files(), 2)
    contents = one.read_bytes(), other.read_bytes()
    other.write_bytes(contents[0])
    one.write_bytes(contents[1])
    return f"swap {one} and {other}"


def delete(chosen: random.Random) -> str:
    path = chosen.choice(files())
    path.unlink()
    return f"delete {path}"


def damage_the_cache(chosen: random.Random) -> str:
    path = cache_file(ROOT)
    assert path is not None
    content = path.read_bytes()
    path.write_bytes(content[: chosen.randrange(len(content))])
    return "cut the cache"


def nothing(chosen: random.Random) -> str:
    return "nothing"


EDITS: list[Edit] = [add_a_line, take_a_line, rename, copy, swap, delete, damage_the_cache, nothing]


def surveyed(cached: bool) -> str:
    return as_json(survey(Project(ROOT, {}, cached)))


def main(seed: int, edits: int) -> None:
    chosen = random.Random(seed)
    done = ["the project as it was"]
    for _ in range(edits):
        read = surveyed(cached=False)
        kept = surveyed(cached=True)
        if kept != read:  # a survey loads tag libraries, and those may load receivers
            read = surveyed(cached=False)
        assert kept == read, f"seed {seed}: {done}"
        done.append(chosen.choice(EDITS)(chosen))


main(*map(int, sys.argv[1:]))
