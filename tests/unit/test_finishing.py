"""Each shape of a seam: as it is after it was finished, or why it can't be."""

import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest

from carveout.carving.carve import finishing, seam_removal
from carveout.carving.carve.finishing import PUBLISHES, SUBSCRIBES, Finished
from carveout.carving.carve.problem import CarveRefused
from carveout.carving.survey import parser
from carveout.carving.survey import sources as survey
from carveout.carving.survey.sources import SourceFile
from carveout.carving.survey.unread import Gaps

EVENTS = """
import carveout

class OrderPlaced(carveout.Event, key="number"):
    number: str

class OrderMoved(carveout.Event, key="number"):
    number: str
"""
TELL = """
import carveout

@carveout.subscribe("orders.OrderPlaced", seam="messages.tell")
def tell(event): ...
"""
TELLS = TELL.replace('"messages.tell"', '("messages.tell", "")')
MARK = TELLS.replace("messages.tell", "badges.mark").replace("def tell", "def mark")
HEAD = """
import carveout
from django.db import DatabaseError, transaction

from badges import mark
from messages import other, tell
from orders.events import OrderMoved, OrderPlaced
"""


class Sources(list):
    """Source files as the survey gives them."""

    each = survey.Sources.each
    unread = survey.Sources.unread

    def __init__(self) -> None:
        super().__init__()
        self.project = SimpleNamespace(
            app_of=lambda module: module.partition(".")[0],
            is_own=lambda app: app in ("badges", "messages", "orders"),
            gaps=Gaps(Path()),
        )

    def defined(self, name: str) -> tuple[str, None]:
        return "", None

    def origin(self, name: str) -> str:
        return name


@pytest.fixture
def finish(tmp_path):
    """Finish `messages.tell`, or more, in a project of these files. Gives: what changes."""

    def run(files: dict[str, str], *seams: str) -> Finished:
        sources = Sources()
        for file, text in {"orders/events.py": EVENTS, **files}.items():
            path = tmp_path / file
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            module = file.removesuffix(".py").replace("/", ".")
            facts = parser.read(text.encode(), module, False)
            sources.append(SourceFile(facts, path, file, module.partition(".")[0]))
        return finishing.finish(sources, seams or ("messages.tell",))

    return run


def seam(event: str = "OrderPlaced(number=order.number)", name: str = "messages.tell") -> str:
    function = name.rpartition(".")[2]
    return f"carveout.seam({name!r}, lambda: {function}(order), lambda: {event})"


MARKED = seam(name="badges.mark")


def place(*lines: str) -> str:
    body = textwrap.indent("\n".join(lines), "    ")
    return f"{HEAD}\n\ndef place(order):\n{body}\n    other(order)\n"


def function(found: Finished) -> str:
    """The function of orders after the step, without its first line and last one."""
    (text,) = (text for path, text in found.new.items() if path.name == "services.py")
    lines = text.rpartition("def place(order):\n")[2].splitlines()
    return textwrap.dedent("\n".join(lines[:-1]))


def test_a_file_that_can_not_be_parsed_is_not_changed(tmp_path):
    path = tmp_path / "events.py"
    path.write_text("class (:\n")
    with pytest.raises(CarveRefused, match=r"events\.py can't be parsed, so it can't be changed"):
        Finished(seams=()).text(path)


def test_subscriptions_come_first(finish):
    found = finish({"messages/subscribers.py": TELL, "orders/services.py": place(seam())})
    assert (found.step, found.blocking) == (SUBSCRIBES, [])
    assert list(found.new.values()) == [TELLS]


BECOMES: dict[str, tuple[tuple[str, ...], str]] = {
    "in a transaction": (
        ("with transaction.atomic():", f"    {seam()}"),
        "with transaction.atomic():\n    carveout.publish(OrderPlaced(number=order.number))",
    ),
    "without one": (
        (seam(),),
        "with transaction.atomic():\n    carveout.publish(OrderPlaced(number=order.number))",
    ),
    "a comment stays": (
        ("with transaction.atomic():", "    # Why.", f"    {seam()}"),
        "with transaction.atomic():\n    # Why.\n"
        "    carveout.publish(OrderPlaced(number=order.number))",
    ),
    "one seam twice": (
        (
            "with transaction.atomic():",
            "    if order.old:",
            f"        {seam()}",
            "    else:",
            f"        {seam('OrderPlaced(number=order.key)')}",
        ),
        "with transaction.atomic():\n    if order.old:\n"
        "        carveout.publish(OrderPlaced(number=order.number))\n    else:\n"
        "        carveout.publish(OrderPlaced(number=order.key))",
    ),
    "over several lines": (
        (
            "with transaction.atomic():",
            '    carveout.seam(\n        "messages.tell",\n        lambda: tell(order),\n'
            "        lambda: OrderPlaced(\n            number=order.number,\n        ),\n    )",
        ),
        "with transaction.atomic():\n    carveout.publish(OrderPlaced(\n"
        "        number=order.number,\n    ))",
    ),
}


@pytest.mark.parametrize(("lines", "becomes"), BECOMES.values(), ids=list(BECOMES))
def test_a_call_becomes_the_event(finish, lines, becomes):
    found = finish({"messages/subscribers.py": TELLS, "orders/services.py": place(*lines)})
    assert (found.step, found.blocking) == (PUBLISHES, [])
    assert function(found) == becomes
    (text,) = found.new.values()
    assert "from messages import other\n" in text, "an import that nothing uses stayed"
    assert "from django.db import DatabaseError, transaction" in text, "it was never used"


def test_the_transaction_is_one_of_the_events_database(finish, monkeypatch):
    orders = SimpleNamespace(apps=["orders"], database="of_orders")
    settings = SimpleNamespace(contexts={"orders": orders})
    monkeypatch.setattr(seam_removal, "get_settings", lambda: settings)
    services = place("with transaction.atomic():", f"    {seam()}")
    found = finish({"messages/subscribers.py": TELLS, "orders/services.py": services})
    assert function(found) == (
        'with transaction.atomic():\n    with transaction.atomic(using="of_orders"):\n'
        "        carveout.publish(OrderPlaced(number=order.number))"
    )


def test_it_is_found_by_any_name(finish):
    services = place(seam().replace("carveout.seam", "seam")).replace(
        "import carveout\n", "from carveout import seam\n"
    )
    found = finish({"messages/subscribers.py": TELLS, "orders/services.py": services})
    (text,) = found.new.values()
    assert text.startswith("\nimport carveout\n") and "import seam" not in text


def test_seams_that_stand_together_become_one_event(finish):
    services = place(
        "with transaction.atomic():",
        "    try:",
        f"        {seam(name='badges.mark')}",
        "    except DatabaseError:",
        "        pass",
        f"    {seam()}",
    )
    files = {"messages/subscribers.py": TELLS, "badges/subscribers.py": MARK}
    found = finish({**files, "orders/services.py": services}, "badges.mark", "messages.tell")
    assert (found.step, found.blocking) == (PUBLISHES, [])
    assert function(found) == (
        "with transaction.atomic():\n    carveout.publish(OrderPlaced(number=order.number))"
    )
    (text,) = found.new.values()
    assert "badges" not in text and "DatabaseError" not in text


REFUSED = {
    "another seam": (
        TELL,
        place(seam(), seam(name="badges.mark")),
        "services.py:12: the seam badges.mark publishes OrderPlaced too. Fix: finish them together",
    ),
    "published elsewhere": (
        TELLS,
        place(seam(), "carveout.publish(OrderPlaced(number=1))"),
        "services.py:12: OrderPlaced is published here without these seams",
    ),
    "announced by a table": (
        TELLS,
        place(seam()) + "\ncarveout.announces(Order, created=OrderPlaced)\n",
        "services.py:14: OrderPlaced is published here without these seams",
    ),
    "written by hand": (
        TELLS,
        place("event = OrderPlaced(number=1)", "carveout.seam('messages.tell', f, lambda: event)"),
        "services.py:12: this seam is not as `carve` writes it. Fix: write it so",
    ),
    "a name that is computed": (
        TELL.replace('"messages.tell"', "NAME"),
        place(seam()),
        "`seam=NAME` can't be read",
    ),
    "no subscription": ("", place(seam()), 'no subscription has seam="messages.tell"'),
    "a type that the seam does not publish": (
        TELL.replace('"orders.OrderPlaced"', '"orders.OrderPlaced", "orders.OrderMoved"'),
        place(seam()),
        "tell handles orders.OrderMoved too, which these seams do not publish",
    ),
}


@pytest.mark.parametrize(("tell", "services", "why"), REFUSED.values(), ids=list(REFUSED))
def test_what_can_not_be_finished_is_said_with_its_line(finish, tell, services, why):
    found = finish({"messages/subscribers.py": tell, "orders/services.py": services})
    assert any(why in str(problem) for problem in found.blocking), found.blocking


@pytest.mark.parametrize(
    "lines",
    [
        ("if order.new:", f"    {seam(name='badges.mark')}", seam()),
        (seam(name="badges.mark"), seam(), seam()),
        (seam("OrderPlaced(number=order.key)", "badges.mark"), seam()),
    ],
    ids=["one only sometimes", "one twice", "about another order"],
)
def test_seams_that_do_not_always_stand_together_stay(finish, lines):
    files = {"messages/subscribers.py": TELLS, "badges/subscribers.py": MARK}
    services = {"orders/services.py": place(*lines)}
    found = finish({**files, **services}, "badges.mark", "messages.tell")
    assert "publish OrderPlaced, but not always together in place" in str(found.blocking[0])


def test_seams_in_two_functions_stay(finish):
    files = {"messages/subscribers.py": TELLS, "badges/subscribers.py": MARK}
    apart = place(seam()).replace("def place", f"def move(order):\n    {MARKED}\n\n\ndef place")
    found = finish({**files, "orders/services.py": apart}, "badges.mark", "messages.tell")
    assert ["not always together in" in str(problem) for problem in found.blocking] == [True] * 2


def test_the_last_step_leaves_nothing_to_do(finish):
    found = finish({"messages/subscribers.py": TELLS})
    assert (found.step, found.new, found.blocking) == (0, {}, [])


def test_a_seam_that_nobody_knows_is_refused(finish):
    with pytest.raises(CarveRefused, match=r"Did you mean 'messages\.tell'"):
        finish({"messages/subscribers.py": TELL}, "messages.tel")
