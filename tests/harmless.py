"""Changes that bring no coupling, made at random to a project."""

import ast
import random
import re
from collections.abc import Callable
from pathlib import Path

from tests.ratchets import Code

Change = Callable[[Code, random.Random], None]


def _some(code: Code, chance: random.Random, holds: str = "") -> Path:
    found = [path for path in code.modules if holds in path.read_text()]
    return chance.choice(found or code.modules)


def comment(code: Code, chance: random.Random) -> None:
    path = _some(code, chance)
    path.write_text(f"# Note {chance.random()}\n\n{path.read_text()}\n\n")


def blank_lines(code: Code, chance: random.Random) -> None:
    path = _some(code, chance, "\n\n\n")
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


def functions_moved_within_a_file(code: Code, chance: random.Random) -> None:
    path = _some(code, chance, "\ndef ")
    blocks, functions = _blocks(path.read_text())
    if len(functions) < 2:
        return
    one, other = chance.sample(functions, 2)
    blocks[one], blocks[other] = f"{blocks[other]}\n\n", f"{blocks[one]}\n\n"
    path.write_text("".join(blocks))


def imports_in_another_order(code: Code, chance: random.Random) -> None:
    path = _some(code, chance, "import ")
    lines = path.read_text().splitlines(keepends=True)
    end = next((n for n, line in enumerate(lines) if not line.startswith(("from ", "import "))), 0)
    first = lines[:end]
    chance.shuffle(first)
    path.write_text("".join(first + lines[end:]))


def local_variable(code: Code, chance: random.Random) -> None:
    """To a name that may be that of a model, too."""
    path = _some(code, chance, "\ndef ")
    blocks, functions = _blocks(path.read_text())
    for number in functions:
        names = re.findall(r"\n    (\w+) = ", blocks[number])
        new = chance.choice(["it", "product", "order", "supplier", "stored"])
        if names and not re.search(rf"\b{new}\b", blocks[number]):
            blocks[number] = re.sub(rf"(?<![.\w]){names[0]}\b(?!=)", new, blocks[number])
    text = "".join(blocks)
    if _is_python(text):
        path.write_text(text)


def _is_python(text: str) -> bool:
    try:
        compile(text, "", "exec")
    except SyntaxError:
        return False
    return True


def reformatted(code: Code, chance: random.Random) -> None:
    """Every statement as Python itself would print it; comments go."""
    path = _some(code, chance)
    path.write_text(ast.unparse(ast.parse(path.read_text())) + "\n")


def import_over_several_lines(code: Code, chance: random.Random) -> None:
    path = _some(code, chance, "\nfrom ")
    single = re.compile(r"^(from \S+ import )(\w+(?: as \w+)?)$", re.MULTILINE)
    path.write_text(single.sub(r"\1(\n    \2,\n)", path.read_text()))


def new_test(code: Code, chance: random.Random) -> None:
    """Tests may need what they want."""
    name = f"test_{chance.randrange(10**6)}"
    folder = chance.choice(code.apps)
    needed = [app.replace("/", ".") for app in code.apps]
    imports = "".join(f"import {code.package}{each}.models\n" for each in needed)
    code.append(f"{folder}/tests/{name}.py", f"{imports}\n\ndef {name}():\n    assert True\n")


def new_function(code: Code, chance: random.Random) -> None:
    path = _some(code, chance)
    number = chance.randrange(10**6)
    path.write_text(
        f"{path.read_text()}\n\ndef total_{number}(numbers):\n    return sum(numbers)\n"
    )


def new_module(code: Code, chance: random.Random) -> None:
    app = chance.choice(code.apps)
    text = f"from {code.package}{app.replace('/', '.')} import models\n\nKEPT = [models]\n"
    code.append(f"{app}/more_{chance.randrange(10**6)}.py", text)


def function_renamed(code: Code, chance: random.Random) -> None:
    """One that nobody else names, and that has no coupling."""
    path = _some(code, chance, "\ndef ")
    blocks, functions = _blocks(path.read_text())
    names = [re.search(r"def (\w+)", blocks[number])[1] for number in functions]
    everything = "".join(each.read_text() for each in code.folder.rglob("*.[ph][yt]*"))
    for name in names:
        if len(re.findall(rf"\b{name}\b", everything)) == path.read_text().count(f"{name}("):
            new = f"{name}_{chance.randrange(10**6)}"
            path.write_text(re.sub(rf"\b{name}\b", new, path.read_text()))
            return


def docstring(code: Code, chance: random.Random) -> None:
    path = _some(code, chance, "\ndef ")
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


def harmless(code: Code, chance: random.Random) -> str:
    """Make and commit one that has an effect. Returns: its name."""
    while True:
        change = chance.choice(CHANGES)
        change(code, chance)
        if code.git("status", "--porcelain"):
            code.commit(change.__name__)
            return change.__name__
