"""The tangled shop carved by the command alone, step by step; its own tests pass."""

import json
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests import forks
from tests.copies import LEFT_OUT, ROOT
from tests.integration.test_carved import GONE
from tests.integration.test_tangled import TANGLED, without_ours
from tests.pages import Code, difference, steps

PAGE = ROOT / "docs/howto/carve.md"
EDITING = ("libcst.codemod.visitors",)
"""What takes longest to import of all that `carve` needs."""
CONTEXTS = """
import os

import carveout

CARVEOUT = {
    "CONTEXTS": {name: {"apps": [name]} for name in ("orders", "notifications", "reviews")},
    "DELIVERY": "eager",
    "SEAMS": os.environ.get("SEAMS", "direct"),
}
INSTALLED_APPS += ["carveout", "django_rq"]
RQ_QUEUES = carveout.rq_queues(CARVEOUT)
"""
TELL = (
    *("notifications.services.tell", "--key", "order.number"),
    *("--event", "place_order=orders.OrderPlaced"),
    *("--event", "cancel_order=orders.OrderCancelled"),
    *("--event", "ship_order=orders.OrderShipped"),
    *("--event", "invite=reviews.GoodsArrived"),
)


def copied(to: Path) -> Path:
    left_out = shutil.ignore_patterns("*.sqlite3", "carveout-baseline.txt", ".coverage")
    shutil.copytree(
        TANGLED, to, ignore=lambda folder, names: LEFT_OUT(folder, names) | left_out(folder, names)
    )
    return to


@pytest.fixture
def shop(tmp_path) -> Path:
    folder = copied(tmp_path / "shop")
    with (folder / "config/settings.py").open("a") as settings:
        settings.write(CONTEXTS)
    return folder


def run(shop: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return forks.python(*arguments, folder=shop, env=environment(**env), imports=EDITING)


def environment(**env: str) -> dict[str, str]:
    return without_ours() | {"PYTHONPATH": str(ROOT), "COLUMNS": "100", **env}


EACH = """
import io, json, sys
import django; django.setup()
from django.core.management import call_command
for arguments in json.loads(sys.argv[1]):
    out = io.StringIO()
    try:
        call_command("carve", *arguments, stdout=out)
    except Exception as error:
        out.write(f"{type(error).__name__}: {error}")
    print(json.dumps(out.getvalue()))
"""


def carve(shop: Path, *each: tuple[str, ...]) -> list[str]:
    """Run the command several times, in one process. Returns: what each printed."""
    env = {"DJANGO_SETTINGS_MODULE": "config.settings"}
    done = run(shop, "-c", EACH, json.dumps(each), **env)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def failed(shop: Path, mode: str) -> set[str]:
    """The shop's own tests that fail while its seams are in this mode."""
    report = shop / "report.xml"
    done = run(
        shop, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", SEAMS=mode
    )
    assert report.exists(), done.stdout + done.stderr
    cases = list(ElementTree.parse(report).iter("testcase"))  # noqa: S314 - pytest wrote it
    assert len(cases) == 31, done.stdout
    return {each.get("name", "") for each in cases if len(each)}


def texts(shop: Path) -> dict[str, str]:
    files = (each for each in shop.rglob("*.py") if "tests" not in each.parts)
    return {str(each.relative_to(shop)): each.read_text() for each in files}


MARK = (
    *("reviews.verification.mark", "--key", "order.number"),
    *("--event", "orders.OrderPlaced"),
)
WITHDRAW = (
    *("reviews.verification.withdraw", "--key", "order.number"),
    *("--event", "reviews.receivers.withdraw=reviews.OrderWithdrawn"),
)


def edit(shop: Path, file: str, old: str, new: str) -> None:
    path = shop / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


REFUSED = {
    "an unknown function": (
        ("notifications.services.tel", "--event", "orders.OrderPlaced"),
        "Did you mean 'tell'?",
    ),
    "no event type": ((*TELL[:1], "--event", "OrderPlaced"), "is not an event type"),
    "a key that is not unique": (
        ("notifications.services.tell", "--key", "order.email"),
        "orders.Order.email is not unique. Use one of id, number",
    ),
    "a key that is not there": (
        ("notifications.services.tell", "--key", "order.nummer"),
        "has no field or property 'nummer'",
    ),
    "no parameter": (("notifications.services.tell", "--key", "ordre.number"), "Did you mean"),
    "no function": (("--key", "order.number"), "Name the function to carve"),
    "a recipe that is none": (("--recipe", "pytest.ini"), "it is not a recipe"),
}


def test_what_is_asked_wrongly_says_how_to_ask(shop):
    answers = carve(shop, *(arguments for arguments, _ in REFUSED.values()))
    for (shape, (_, why)), answer in zip(REFUSED.items(), answers, strict=True):
        assert why in answer and answer.startswith("CommandError: "), (shape, answer)


def test_what_can_not_be_done_is_said_with_its_line(shop):
    one_event = (*TELL[:3], "--event", "orders.OrderPlaced")
    (shown,) = carve(shop, one_event)
    assert "1 call can be a seam" in shown
    assert "orders/services.py:65: it passes other values than the other calls" in shown
    assert "--event cancel_order=orders.Type" in shown
    assert "reviews/receivers.py:15: no event of reviews is named" in shown

    carve(shop, (*TELL, "--write"))
    (shown,) = carve(shop, ("reviews.verification.mark", "--event", "orders.OrderPlaced"))
    assert "the event OrderPlaced has no order_id; name another --event or --key" in shown
    assert "OrderLookup is not a lookup order by id; name its own --key" in shown


def test_a_file_that_can_not_be_read_is_listed_and_another_encoding_stays(shop):
    (shop / "orders/broken.py").write_text("def tell(:\n")
    newer = 'from notifications.services import tell\ntell(t"{1}", None)\n'
    (shop / "orders/newer.py").write_text(newer)
    services = shop / "orders/services.py"
    first = "# -*- coding: latin-1 -*-\n# Müller\n".encode("latin-1")
    services.write_bytes(first + services.read_bytes())
    (shown,) = carve(shop, (*TELL, "--write"))
    assert "\nCould not be read; what it has is missing here\n  orders/broken.py:1: file:" in shown
    assert "  orders/newer.py:2: file: orders/newer.py:" in shown
    assert services.read_bytes().startswith(first)
    assert b"carveout.seam(" in services.read_bytes()


def test_what_a_lookup_can_not_offer_has_to_be_fixed_first(shop):
    edit(
        *(shop, "notifications/mail.py", "    send_mail(SUBJECTS"),
        "    order.notes.create(text=str(order))\n    order.status = 'told'\n"
        "    send_mail(SUBJECTS",
    )
    edit(
        shop, "notifications/templates/notifications/shipping.txt", "See {{ path }}", "{{ order }}"
    )
    before = texts(shop)
    (shown,) = carve(shop, (*TELL, "--write"))
    for why in (
        "notifications/mail.py:27: orders.Order has no field or property 'notes'",
        "notifications/mail.py:27: it passes `order` to `str`",
        "notifications/mail.py:28: it changes order.status",
        "notifications/templates/notifications/shipping.txt:5: it shows a whole Order",
        "Nothing was written.",
    ):
        assert why in shown, shown
    assert texts(shop) == before


# -- The page ----------------------------------------------------------------------------------


FINISHING = "## 7. Finish it"


def follow(text: str, shop: Path, fresh: Path | None = None) -> int:
    """Do what a page says, and compare what it shows. fresh: gets a copy from before the carving.

    Returns: how many steps there were.
    """
    followed = list(steps(text))
    for step in followed:
        if isinstance(step, Code):
            step.write(shop)
            continue
        before = texts(shop)
        printed = forks.ran(step.line, shop, environment(), EDITING)
        wrong = difference(step.shown, printed)
        assert not wrong, f"{step.line}\n{wrong}"
        if "manage.py carve" in step.line and "--write" not in step.line:
            assert texts(shop) == before, "a dry run wrote something"
            if fresh:
                shutil.copytree(shop, fresh, dirs_exist_ok=True)
    return len(followed)


def is_fine(shop: Path) -> None:
    checks = run(shop, "manage.py", "check")
    assert checks.returncode == 0 and "no issues" in checks.stdout, checks.stderr
    linted = run(
        *(shop, "-m", "ruff", "check", "--isolated", "--select", "E,F,B,UP"),
        *("--ignore", "E501", "orders", "notifications", "reviews"),
    )
    assert linted.returncode == 0, linted.stdout


def test_the_shop_is_carved_by_the_steps_of_the_page_alone(tmp_path):
    shop, fresh = copied(tmp_path / "shop"), tmp_path / "fresh"
    carving, _, finishing = PAGE.read_text(encoding="utf-8").partition(FINISHING)
    assert follow(carving, shop, fresh) >= 8

    carved, recipe = texts(shop), ("--recipe", "tell.toml", "--write")
    again = carve(shop, recipe, (*MARK, "--write"), (*WITHDRAW, "--write"))
    assert ["Nothing to write." in each for each in again] == [True] * 3, again
    assert texts(shop) == carved, "a second run changed something"
    carve(fresh, recipe, (*MARK, "--write"), (*WITHDRAW, "--write"))
    assert texts(fresh) == carved, "a recipe gives another result on a fresh copy"
    is_fine(shop)
    assert failed(shop, "direct") == set()

    assert follow(finishing, shop) >= 4
    done = ("--finish", "notifications.tell", "--finish", "reviews.mark", "--after", "0", "--write")
    finished = texts(shop)
    (again,) = carve(shop, done)
    assert "Nothing to write: the code has no such seam any more." in again
    assert texts(shop) == finished
    assert "seam(" not in finished["orders/services.py"]
    is_fine(shop)
    assert failed(shop, "events") == set(GONE)  # two seams are finished, one is switched
