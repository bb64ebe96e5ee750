"""A project that calls functions in every shape, carved: each call becomes a seam, and does the
same in both modes; or it stays, with the reason."""

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import forks
from tests.copies import LEFT_OUT, ROOT
from tests.integration.test_carving import EACH, EDITING, environment

PROJECT = ROOT / "tests/call_shapes"
SETTINGS = {"DJANGO_SETTINGS_MODULE": "market.settings"}
SERVICES = "market.notifications.services"
SALES, KEPT = "market/orders/sales.py", "market/orders/kept.py"
RECEIVERS = "market.notifications.receivers"

EFFECTS = """
import json, django; django.setup()
from django.core.management import call_command
call_command("migrate", run_syncdb=True, verbosity=0)
from django.db import transaction
from market.notifications.models import Badge, Note
from market.orders import sales
from market.orders.models import Order, Tag
from market.orders.signals import order_paid
def made(name):
    return Order.objects.create(number=name, email=f"{name}@example.org")
def paid(order):
    order.is_paid = True
    order.save()
def each():
    for name, value in list(vars(sales).items()):
        if getattr(value, "__module__", "") == sales.__name__ and not name.startswith("_"):
            yield from ([(name, value)] if not isinstance(value, type) else
                [(each, getattr(value(), each)) for each in vars(value) if each[0] != "_"])
found = {}
for name, function in each():
    Note.objects.all().delete()
    Badge.objects.all().delete()
    badge = Badge.objects.create(name="gold")
    order = made(name)
    with transaction.atomic():
        if name == "in_a_receiver":
            order_paid.send(sender=None, order=order, amount=3)
        elif "badge" in function.__code__.co_varnames[:function.__code__.co_argcount]:
            function(order, badge)
        else:
            function(order)
    found[name] = sorted(Note.objects.values_list("kind", "number", "text"))
Note.objects.all().delete()
paid(order := made("signals"))
order.tags.add(Tag.objects.create(word="urgent"))
Tag.objects.create(word="fragile").order_set.add(order)
found["signals"] = sorted(Note.objects.values_list("kind", "number", "text"))
print(json.dumps(found))
"""

MYPY = """
[mypy]
strict = true
# Serializers are generic for their stubs only.
disallow_any_generics = false
plugins = mypy_django_plugin.main
[mypy.plugins.django-stubs]
django_settings_module = market.settings
"""

STAY = {
    "returned": "its return value is used",
    "assigned": "its return value is used",
    "in_a_condition": "its return value is used",
    "in_a_loop": "it is in a loop",
    "in_a_while_loop": "it is in a loop",
    "in_a_comprehension": "it is in a comprehension",
    "star_arguments": "it unpacks * arguments",
    "arguments_of_a_dict": "it unpacks ** arguments",
    "passed_on": "`tell` is passed on as a value",
    "in_a_lambda": "it runs later, from somewhere else",
    "in_a_partial": "it runs later, from somewhere else",
    "errors_that_are_acted_upon": "its exceptions are caught and acted upon",
    "walrus": "its arguments use `:=`",
    "in_a_coroutine": "it is in an async function",
    "WhenImported": "it runs when the module is imported",
    "Orders": "it runs when a process starts",
    "read_afterwards": "reads Note rows after the call, which the function writes",
    "another_attribute": "it uses `tell.__name__`",
    "object_that_may_be_none": "it passes badge=badge, which may be None",
    "method_of_a_subclass": "its object is a Choir, which a subscriber does not know",
    "method_of_a_changed_object": "teller is changed here",
    "method_through_its_class": "it is called through its class Teller",
    "method_of_an_object_from_elsewhere": "`teller` comes from elsewhere",
    "method_of_something": "the class of `something` is not known",
    "method_of_an_item": "the class of `tellers[0]` is not known",
    "method_of_a_row_that_is_not_saved": "badge is changed here",
    "method_whose_result_is_read": "uses badge.count after the call, which the method sets",
    "method_of_a_guess": "the class of `prize` is not known",
}
"""By function: why its call stays."""


RECEIVING = '''
def welcome(sender: type[Order], instance: Order, created: bool, **kwargs: Any) -> None:
    """Greets whoever ordered."""
    if kwargs["raw"]:
        return
    if not created:
        return
    carveout.seam(
        "notifications.welcome",
        lambda: do_welcome(instance),
        lambda: Welcome(order_number=instance.number),
    )


def do_welcome(order: "Order | OrderToWelcome") -> None:
    # A greeting.
    address = order.email
    Note.objects.create(kind="welcome", number=order.number, text=f"dear {address}")
'''


REFUSED = {
    "services.allow": "raises PermissionDenied, which answers the request",
    "services.refresh": "takes no arguments",
    "services.forget": "its parameters: request",
    "services.tell_slowly": "it is async",
    "services.compare": "takes two Order objects, order and other",
    "services.Ghost.haunt": "an object that is made with name",
    "services.Counter.count": "it changes last of its object, and a subscriber makes its own",
    "models.Badge.rename": "it changes name of its object, and the caller has to save that",
    "models.demote": "it changes count of badge, and the caller has to save that",
    "models.restyle": "it changes name of badge, and the caller has to save that",
    "models.Badge.lock": "it locks rows for its caller",
    "models.Diploma.sign": "a method of an abstract class",
    "receivers.follow": "what it returns goes to the code that sends the signal",
    "receivers.mourn": "it receives post_delete, and then the row can't be looked up",
    "receivers.relabel": "is sent by Order and Tag, and an event is about one of them",
    "receivers.track": "it reads kwargs; make what it reads a parameter",
}
"""By function: why it can't be carved at all."""


AGAIN = ("tell", "sing", "award", "introduce", "welcome")
"""One function of each kind, which is carved twice."""


def functions(file: str) -> dict[str, range]:
    """The lines of all functions in a file, by scope; and of classes that have none."""
    found = {}

    def walk(node: ast.AST, before: str) -> None:
        for each in ast.iter_child_nodes(node):
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = f"{before}{each.name}"
                found[name] = range(each.lineno, (each.end_lineno or 0) + 1)
                walk(each, f"{name}.")

    walk(ast.parse((PROJECT / file).read_text()), "")
    return found


CALLS = {*functions(SALES)} - {"in_a_nested_function", "Desk", "Desk.__init__", "_same"}


def event(scope: str) -> str:
    return "".join(part.capitalize() for part in scope.replace(".", "_").split("_"))


def commands() -> list[tuple[str, ...]]:
    """What carves every function that is called; each call has an event of its own."""
    events = [
        part
        for scope in {**functions(SALES), **functions(KEPT)}
        for part in ("--event", f"{scope}=orders.{event(scope)}")
    ]
    called = (
        *("services.tell", "services.Teller.shout", "services.Teller.whisper"),
        *("services.Teller.sing", "public.Badge.award", "models.Prize.give"),
        *("models.Badge.count_up", "models.introduce", "models.decorate"),
        *("models.congratulate", "models.promote"),
    )
    heard = (
        *(("welcome", "order.number"), ("thank", "order.number"), ("confirm", "order.number")),
        *(("label", "order.number"), ("count", "tag.id")),
    )
    return [
        *((f"market.notifications.{name}", "--key", "order.number", *events) for name in called),
        (f"{SERVICES}.recall", *events),
        (f"{SERVICES}.remind", *events),
        *(
            (f"{RECEIVERS}.{name}", "--key", key, "--event", f"notifications.{event(name)}")
            for name, key in heard
        ),
    ]


def python(project: Path, code: str, *arguments: str, **env: str) -> list[str]:
    done = forks.python(
        "-c", code, *arguments, folder=project, env=environment(**SETTINGS, **env), imports=EDITING
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def effects(project: Path, mode: str) -> dict[str, list[list[str]]]:
    return json.loads(python(project, EFFECTS, SEAMS=mode)[-1])


def carve(project: Path, *each: tuple[str, ...]) -> list[str]:
    return [json.loads(line) for line in python(project, EACH, json.dumps(each))]


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    return shutil.copytree(
        PROJECT, tmp_path_factory.mktemp("market"), ignore=LEFT_OUT, dirs_exist_ok=True
    )


@pytest.fixture(scope="module")
def before(project) -> dict[str, list[list[str]]]:
    return effects(project, "direct")


class Printed(NamedTuple):
    """What carving printed: at first, when it was repeated, and for what can't be carved."""

    first: str
    again: list[str]
    refused: list[str]


@pytest.fixture(scope="module")
def printed(project, before) -> Printed:
    each = [(*one, "--write") for one in commands()]
    compared = ("services.compare", "models.demote", "models.restyle")
    keys = dict.fromkeys(compared, ("--key", "order.number"))
    refused = [
        (f"market.notifications.{name}", "--event", "orders.Placed", *keys.get(name, ()))
        for name in REFUSED
    ]
    again = [one for one in each if one[0].rpartition(".")[2] in AGAIN]
    lines = carve(project, *each, *again, *refused)
    repeated = len(each) + len(again)
    return Printed("\n".join(lines[: len(each)]), lines[len(each) : repeated], lines[repeated:])


@pytest.fixture(scope="module")
def shown(printed) -> str:
    return printed.first


@pytest.mark.parametrize("scope", sorted(CALLS))
def test_a_call_becomes_a_seam(shown, scope):
    assert f"  {scope} → orders.{event(scope)}  key " in shown, shown


@pytest.mark.parametrize("scope", STAY)
def test_a_call_stays_and_says_why(project, shown, scope):
    at = functions(KEPT)[scope]
    lines = [each for each in shown.splitlines() if any(f"kept.py:{line}: " in each for line in at)]
    assert any(STAY[scope] in each for each in lines), "\n".join(lines) or shown


def test_what_can_not_be_carved_is_refused_with_the_reason(printed):
    for (name, why), answer in zip(REFUSED.items(), printed.refused, strict=True):
        assert why in answer and answer.startswith("CommandError: "), (name, answer)


def test_what_is_only_guessed_is_said(shown):
    assert ": badge is taken for a Badge because of a variable's name." in shown


def test_every_receiver_becomes_a_function_and_a_seam(project, shown):
    text = (project / "market/notifications/receivers.py").read_text()
    assert RECEIVING in text, text
    assert "    if instance.is_paid:\n        carveout.seam(\n" in text, text
    assert "do_count(tag: " in text, text
    assert text.count("carveout.seam(") == 5


def test_what_was_carved_does_the_same_in_both_modes(project, before, shown):
    assert effects(project, "direct") == before
    assert effects(project, "events") == before


@pytest.mark.slow
def test_what_was_carved_passes_type_checks_and_linters(project, before, shown):
    (project / "mypy.ini").write_text(MYPY)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "market"],
        cwd=project,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Success: no issues found" in done.stdout, done.stdout + done.stderr
    linted = forks.python(
        *("-m", "ruff", "check", "--isolated", "--select", "E,F,B,I,UP", "--ignore", "E501,E702"),
        *("--line-length", "88", "market"),
        folder=project,
        env=environment(),
    )
    assert linted.returncode == 0, linted.stdout


def test_carving_again_changes_nothing(printed):
    assert ["Nothing to write." in each for each in printed.again] == [True] * len(AGAIN)
