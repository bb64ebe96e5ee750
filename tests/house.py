"""python -m tests.house: does the kit's folder keep to its rules? Prints what does not.

At the top of `carveout/` there are only modules that Django, Python or pytest know by name, and at
most 14 folders. No two classes share a name, save those that Django looks for by theirs.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator

from tests.copies import ROOT

KIT = ROOT / "carveout"
KNOWN_BY_NAME = {
    *("__init__", "__main__", "apps", "checks", "errors", "middleware", "models"),
    *("pytest_plugin", "routers", "testing", "urls"),
}
CONVENTIONAL = {"admin", "management", "migrations", "static", "templates", "templatetags"}
FOLDERS_MAX = 14
SHARED = {"Command"}
"""Django finds a command's class by this name."""


def faults() -> Iterator[str]:
    for path in sorted(KIT.glob("*.py")):
        if path.stem not in KNOWN_BY_NAME:
            yield f"carveout/{path.name}: nobody knows it by name; give it a folder."
    folders = {path.name for path in KIT.iterdir() if (path / "__init__.py").is_file()}
    if len(own := folders - CONVENTIONAL) > FOLDERS_MAX:
        yield f"carveout/ has {len(own)} folders of its own, at most {FOLDERS_MAX} are allowed."
    for name, homes in sorted(classes().items()):
        if len(homes) > 1 and name not in SHARED:
            yield f"class {name} is defined in {', '.join(homes)}."


def classes() -> dict[str, list[str]]:
    """The modules that define a class of a name."""
    found = defaultdict(list)
    for path in sorted(KIT.rglob("*.py")):
        if "migrations" not in path.parts:
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef):
                    found[node.name].append(str(path.relative_to(ROOT)))
    return found


if __name__ == "__main__":
    told = [*faults()]
    print("\n".join(told) or "The house is in order.")  # noqa: T201
    sys.exit(bool(told))
