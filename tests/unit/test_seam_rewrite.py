"""Each shape of a call: as it is before and after it became a seam, or why it can't be one."""

import ast
import textwrap
from pathlib import Path

import pytest

from carveout.carving.carve import imports, seam_rewrite
from carveout.carving.carve.callee import Callee, Unbound, callee_of
from carveout.carving.carve.expressions import code
from carveout.carving.carve.seam_rewrite import SeamText
from carveout.carving.survey import parser
from carveout.carving.survey.facts import Facts
from carveout.carving.survey.sources import SourceFile

TELLERS = """
def tell(kind, order, *, loud=False): ...

def greet(*everybody): ...

class Teller:
    @staticmethod
    def shout(kind, order): ...
    @classmethod
    def whisper(cls, kind, order): ...
    def sing(self, kind, order): ...
"""


def callee(inside: str = "tell") -> Callee:
    facts = parser.read(TELLERS.encode(), "notifications.services", False)
    source = SourceFile(facts, Path(), "notifications/services.py", "notifications")
    source.text = TELLERS
    nodes = {
        each.name: each for each in ast.walk(ast.parse(TELLERS)) if hasattr(each, "decorator_list")
    }
    name = f"notifications.services.{inside}"
    return callee_of(name, source, "notifications", nodes[inside.rpartition(".")[2]])


def found(text: str, of: Callee) -> seam_rewrite.Found:
    facts = parser.read(text.encode(), "notifications.orders.views", False)

    return seam_rewrite.find(text, "orders/services.py", of, Names(facts, of))


class Names:
    def __init__(self, facts: Facts, of: Callee) -> None:
        self.facts, self.of = facts, of

    def is_callee(self, name: str, scope: str, line: int) -> bool:
        return self.facts.resolve(name, scope) == self.of.name

    def may_be(self, name: str, scope: str) -> bool:
        return False

    def objection(self, name: str, scope: str) -> tuple[str, str] | None:
        return None


def rewritten(text: str, of: Callee) -> str:
    uses = found(text, of)
    seams = {
        old: SeamText("n.tell", "Placed", {"order_number": f"{code(use.bound['order'])}.number"})
        for old, use in uses.calls
    }
    return seam_rewrite.rewrite(uses, seams) if seams else text


IMPORT = "from notifications.services import tell\n"

SHAPES = {
    "function": (IMPORT, "tell(KIND, order)"),
    "keyword arguments": (IMPORT, "tell(order=order, kind=KIND)"),
    "keyword-only argument": (IMPORT, "tell(KIND, order, loud=True)"),
    "module": ("from notifications import services\n", "services.tell(KIND, order)"),
    "module under another name": (
        "from notifications import services as told\n",
        "told.tell(KIND, order)",
    ),
    "function under another name": (
        "from notifications.services import tell as send\n",
        "send(KIND, order)",
    ),
    "through the parent module": (
        "import notifications.services\n",
        "notifications.services.tell(KIND, order)",
    ),
    "one name of several": (
        "from notifications.services import (\n    greet,\n    tell,  # customers\n)\n",
        "tell(KIND, order)",
    ),
    "relative import": ("from ..services import tell\n", "tell(KIND, order)"),
    "argument that is a call": (IMPORT, "tell(KIND, order.refreshed())"),
    "argument that is an item": (IMPORT, "tell(KIND, orders[0])"),
    "on_commit with a lambda": (IMPORT, "transaction.on_commit(lambda: tell(KIND, order))"),
    "on_commit with a partial": (IMPORT, "transaction.on_commit(partial(tell, KIND, order))"),
    "on_commit with functools.partial": (
        IMPORT,
        "transaction.on_commit(functools.partial(tell, KIND, order=order), using='default')",
    ),
    "job of a task": (IMPORT, "tell.delay(KIND, order)"),
    "job on commit": (IMPORT, "transaction.on_commit(lambda: tell.delay(KIND, order=order))"),
    "job in a partial": (IMPORT, "transaction.on_commit(partial(tell.delay, KIND, order))"),
    "static method": (
        "from notifications.services import Teller\n",
        "Teller.shout(KIND, order)",
    ),
    "class method": ("from notifications.services import Teller\n", "Teller.whisper(KIND, order)"),
}


def indented(text: str, by: int = 4) -> str:
    return textwrap.indent(text, " " * by)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_call_becomes_a_seam(shape):
    head, call = SHAPES[shape]
    of = callee(
        {"static method": "Teller.shout", "class method": "Teller.whisper"}.get(shape, "tell")
    )
    order = next((each for each in ("order.refreshed()", "orders[0]") if each in call), "order")
    after = (
        f'carveout.seam(\n    "n.tell",\n    lambda: {call},\n'
        f"    lambda: Placed(order_number={order}.number),\n)\n"
    )
    before = f"{head}\n\ndef place(order, orders):\n    save(order)  # first\n{indented(call)}\n"
    start = f"{head}\n\ndef place(order, orders):\n    save(order)  # first\n"
    expected = f"{start}{indented(after)}"
    assert rewritten(before, of) == expected
    assert rewritten(expected, of) == expected, "a second run changes something"
    assert found(expected, of).already == 1


AROUND = {
    "in a transaction": "with transaction.atomic():\n    tell(KIND, order)  # soon\n",
    "in a branch": "if order.total:\n    tell(KIND, order)\nelse:\n    pass\n",
    "with finally": "try:\n    tell(KIND, order)\nfinally:\n    close()\n",
    "errors that are logged": (
        "try:\n    tell(KIND, order)\nexcept DatabaseError:\n    logger.exception('no')\n"
    ),
    "errors that are raised again": "try:\n    tell(KIND, order)\nexcept OSError:\n    raise\n",
    "errors that are ignored": "try:\n    tell(KIND, order)\nexcept OSError:\n    pass\n",
    "in an exception handler": "try:\n    pay()\nexcept OSError as error:\n    tell(KIND, order)\n",
    "after a comment": "# The customer waits.\ntell(KIND, order)\n",
    "beside another statement": "save(order); tell(KIND, order)\n",
    "twice": "tell(KIND, order)\ntell(KIND, order)\n",
}


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("decorator", ["", "@transaction.atomic\n", "@receiver(sold)\n"])
def test_what_is_around_a_call_stays_as_it_is(around, decorator):
    before = f"{IMPORT}\n\n{decorator}def place(order):\n{indented(AROUND[around])}"
    after = rewritten(before, callee())
    seam = (
        'carveout.seam(\n{0}    "n.tell",\n{0}    lambda: tell(KIND, order),\n'
        "{0}    lambda: Placed(order_number=order.number),\n{0})"
    )
    for depth in (4, 8):
        after = after.replace(seam.format(" " * depth), "tell(KIND, order)")
    assert after == before
    uses = found(before, callee())
    expected = "transaction" in around or "atomic" in decorator
    assert {use.atomic for _, use in uses.calls} == {expected}


def test_a_call_of_several_lines_keeps_its_lines_and_comments():
    call = "tell(\n    KIND,  # the first\n    order,\n)\n"
    before = f"{IMPORT}\n\ndef place(order):\n    if order:\n{indented(call, 8)}"
    after = rewritten(before, callee())
    ast.parse(after)
    assert "KIND,  # the first\n" in after
    assert after.count("\n") == before.count("\n") + 4


REFUSED = {
    "returned": ("return tell(KIND, order)", "its return value is used"),
    "assigned": ("answer = tell(KIND, order)", "its return value is used"),
    "in a condition": ("if tell(KIND, order):\n    pass", "its return value is used"),
    "passed on": ("log(tell(KIND, order))", "its return value is used"),
    "in a loop": ("for order in orders:\n    tell(KIND, order)", "it is in a loop"),
    "in a while loop": ("while orders:\n    tell(KIND, order)", "it is in a loop"),
    "in a comprehension": ("[tell(KIND, each) for each in orders]", "it is in a comprehension"),
    "star arguments": ("tell(*pair)", "it unpacks * arguments"),
    "keyword arguments of a dict": ("tell(KIND, **given)", "it unpacks ** arguments"),
    "a name for later": ("later = tell", "`tell` is passed on as a value"),
    "in a lambda": ("run(lambda: tell(KIND, order))", "it runs later"),
    "in a partial": ("run(partial(tell, KIND, order))", "it runs later"),
    "errors acted upon": (
        "try:\n    tell(KIND, order)\nexcept OSError:\n    order.cancel()",
        "its exceptions are caught and acted upon in line 8",
    ),
    "a job with options": ("tell.apply_async((KIND, order), countdown=9)", "it uses `tell.apply"),
    "a task that is passed on": ("run(tell.delay)", "it uses `tell.delay`"),
    "a walrus": ("tell(KIND, (order := find()))", "its arguments use `:=`"),
    "too many arguments": ("tell(KIND, order, 3)", "it passes more arguments than tell takes"),
    "an unknown argument": ("tell(KIND, order, quiet=True)", "tell has no parameter 'quiet'"),
}


@pytest.mark.parametrize("shape", REFUSED)
def test_what_can_not_be_a_seam_is_refused_with_its_line(shape):
    body, why = REFUSED[shape]
    before = f"{IMPORT}\n\ndef place(order, orders, pair, given):\n    save()\n{indented(body)}\n"
    uses = found(before, callee())
    assert uses.calls == []
    assert [why in each.text for each in uses.problems] == [True], uses.problems
    assert all(each.fix and "tell" in before.splitlines()[each.line - 1] for each in uses.problems)


def test_coroutines_and_modules_are_refused():
    for body, why in (
        ("async def place(order):\n    tell(KIND, order)\n", "in an async function"),
        ("async def place(order):\n    await tell(KIND, order)\n", "it is awaited"),
        ("tell(KIND, order)\n", "when the module is imported"),
        ("class Sale:\n    tell(KIND, order)\n", "when the module is imported"),
    ):
        uses = found(f"{IMPORT}{body}", callee())
        assert [why in each.text for each in uses.problems] == [True], (body, uses.problems)


def test_a_function_that_takes_any_arguments_is_refused():
    with pytest.raises(Unbound, match="takes \\* or"):
        callee("greet")


def test_a_file_is_read_in_the_encoding_that_it_declares(tmp_path):
    path = tmp_path / "sales.py"
    path.write_bytes("# coding: latin-1\nplace = 'Café'\n".encode("latin-1"))
    source = SourceFile(parser.read(path.read_bytes(), "sales", False), path, "sales.py", "orders")
    assert source.text == "# coding: latin-1\nplace = 'Café'\n"


# -- Imports -----------------------------------------------------------------------------------


def is_own(module: str) -> bool:
    return module.partition(".")[0] in ("orders", "notifications")


WANTED = [("carveout", ""), ("orders.events", "Placed")]
HEADS = {
    "nothing": ("x = 1\n", "import carveout\n\nfrom orders.events import Placed\nx = 1\n"),
    "a docstring": (
        '"""Orders."""\n\n\nclass A: ...\n',
        '"""Orders."""\n\nimport carveout\n\nfrom orders.events import Placed\n\n\nclass A: ...\n',
    ),
    "three groups": (
        "import os\n\nfrom django.db import models\n\nfrom orders import x\n"
        "from orders.models import A\n",
        "import os\n\nimport carveout\nfrom django.db import models\n\nfrom orders import x\n"
        "from orders.events import Placed\nfrom orders.models import A\n",
    ),
    "a comment": (
        "# Ours:\nfrom orders.models import A  # keep\n",
        "# Ours:\nimport carveout\n\nfrom orders.events import Placed\n"
        "from orders.models import A  # keep\n",
    ),
    "other names": (
        "import carveout\n\nfrom orders.events import Cancelled, Shipped\n",
        "import carveout\n\nfrom orders.events import Cancelled, Placed, Shipped\n",
    ),
    "a last name": (
        "import carveout\n\nfrom orders.events import Cancelled\n",
        "import carveout\n\nfrom orders.events import Cancelled, Placed\n",
    ),
    "names in brackets": (
        "import carveout\n\nfrom orders.events import (\n    Cancelled,\n    Shipped,\n)\n",
        "import carveout\n\nfrom orders.events import (\n    Cancelled,\n    Placed,\n"
        "    Shipped,\n)\n",
    ),
}


@pytest.mark.parametrize("head", HEADS)
def test_imports_are_sorted_in_and_only_once(head):
    before, after = HEADS[head]
    assert imports.add(before, WANTED, is_own) == after
    assert imports.add(after, WANTED, is_own) == after
