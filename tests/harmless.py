"""Changes that bring no coupling, made at random to a copy of the market."""

import ast
import random
import re
from collections.abc import Callable
from pathlib import Path

from tests.ratchets import Market

Change = Callable[[Market, random.Random], None]


def _modules(market: Market) -> list[Path]:
    """Python files of apps, but migrations and settings, which have no functions of interest."""
    return [
        path
        for path in sorted(market.folder.glob("[a-z]*/*.py"))
        if path.parent.name != "market" and path.name not in ("__init__.py", "tests.py")
    ]


def _some(market: Market, chance: random.Random, holds: str = "") -> Path:
    found = [path for path in _modules(market) if holds in path.read_text()]
    return chance.choice(found or _modules(market))


def comment(market: Market, chance: random.Random) -> None:
    path = _some(market, chance)
    path.write_text(f"# Note {chance.random()}\n\n{path.read_text()}\n\n")


def blank_lines(market: Market, chance: random.Random) -> None:
    path = _some(market, chance, "\n\n\n")
    path.write_text(path.read_text().replace("\n\n\n", "\n\n\n\n\n"))


def _blocks(text: str) -> tuple[list[str], list[int]]:
    """The statements of a module as text, and which are functions without decorators."""
    lines = text.splitlines(keepends=True)
    body = ast.parse(text).body
    starts = [_first_line(each) for each in body]
    ends = [*(start - 1 for start in starts[1:]), len(lines)]
    blocks = ["".join(lines[start - 1 : end]) for start, end in zip(starts, ends, strict=True)]
    functions = [
        number
        for number, each in enumerate(body)
        if isinstance(each, ast.FunctionDef) and not each.decorator_list
    ]
    return blocks, functions


def _first_line(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", [])
    return min(each.lineno for each in [node, *decorators])


def functions_moved_within_a_file(market: Market, chance: random.Random) -> None:
    path = _some(market, chance, "\ndef ")
    blocks, functions = _blocks(path.read_text())
    if len(functions) < 2:
        return
    one, other = chance.sample(functions, 2)
    blocks[one], blocks[other] = f"{blocks[other]}\n\n", f"{blocks[one]}\n\n"
    path.write_text("".join(blocks))


def imports_in_another_order(market: Market, chance: random.Random) -> None:
    path = _some(market, chance, "import ")
    lines = path.read_text().splitlines(keepends=True)
    end = next((n for n, line in enumerate(lines) if not line.startswith(("from ", "import "))), 0)
    first = lines[:end]
    chance.shuffle(first)
    path.write_text("".join(first + lines[end:]))


def local_variable(market: Market, chance: random.Random) -> None:
    """To a name that may be that of a model, too."""
    path = _some(market, chance, "\n    order = ")
    new = chance.choice(["it", "product", "placed", "supplier", "stored"])
    blocks, functions = _blocks(path.read_text())
    for number in functions:
        if "\n    order = " in blocks[number] or "        order = " in blocks[number]:
            blocks[number] = re.sub(r"(?<![.\w])order\b(?!=)", new, blocks[number])
    path.write_text("".join(blocks))


def reformatted(market: Market, chance: random.Random) -> None:
    """Every statement as Python itself would print it; comments go."""
    path = _some(market, chance)
    path.write_text(ast.unparse(ast.parse(path.read_text())) + "\n")


def import_over_several_lines(market: Market, chance: random.Random) -> None:
    path = _some(market, chance, "\nfrom ")
    single = re.compile(r"^(from \S+ import )(\w+(?: as \w+)?)$", re.MULTILINE)
    path.write_text(single.sub(r"\1(\n    \2,\n)", path.read_text()))


def new_test(market: Market, chance: random.Random) -> None:
    app = chance.choice(["suppliers", "accounts", "parcels"])
    name = f"test_{chance.randrange(10**6)}"
    market.append(
        f"{app}/tests/{name}.py",
        "from orders.models import Order\nfrom reviews.models import Review\n\n\n"
        f"def {name}(db):\n    assert Order.objects.filter(lines__review=Review()).count() == 0\n",
    )


def new_function(market: Market, chance: random.Random) -> None:
    path = _some(market, chance)
    number = chance.randrange(10**6)
    path.write_text(
        f"{path.read_text()}\n\ndef total_{number}(numbers):\n    return sum(numbers)\n"
    )


def new_module(market: Market, chance: random.Random) -> None:
    app = chance.choice(["suppliers", "accounts", "parcels", "orders"])
    code = (
        f"from {app} import models\nfrom core.models import Stamped\n\nKEPT = [models, Stamped]\n"
    )
    market.append(f"{app}/more_{chance.randrange(10**6)}.py", code)


def function_renamed(market: Market, chance: random.Random) -> None:
    names = ["move_stock", "cancel", "confirm", "count", "of_nobody"]
    chance.shuffle(names)
    for name in names:
        for path in _modules(market):
            if f"def {name}(" in path.read_text():
                new = f"{name}_{chance.randrange(10**6)}"
                path.write_text(re.sub(rf"\b{name}\(", f"{new}(", path.read_text()))
                return


def docstring(market: Market, chance: random.Random) -> None:
    path = _some(market, chance, "\ndef ")
    text = re.sub(
        r"^(def \w+\([^)]*\)[^:\n]*:)\n(?!\s+\"\"\")",
        r'\1\n    """Like orders.Order, see orders.services.place."""\n',
        path.read_text(),
        count=1,
        flags=re.M,
    )
    path.write_text(text)


CHANGES: list[Change] = [
    comment,
    blank_lines,
    functions_moved_within_a_file,
    imports_in_another_order,
    local_variable,
    reformatted,
    import_over_several_lines,
    new_test,
    new_function,
    new_module,
    function_renamed,
    docstring,
]


def harmless(market: Market, chance: random.Random) -> str:
    """Make and commit one that has an effect. Returns: its name."""
    while True:
        change = chance.choice(CHANGES)
        change(market, chance)
        if market.git("status", "--porcelain"):
            market.commit(change.__name__)
            return change.__name__
