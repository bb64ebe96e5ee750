"""What is used of an import, however it is written: what is called, and what is only a constant."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.forks import Forks

FILES = {
    "settings.py": """
SECRET_KEY = "for these tests only, and long enough for a key"
INSTALLED_APPS = ["shop", "post"]
ROOT_URLCONF = "urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
""",
    "urls.py": "urlpatterns = []",
    "post/__init__.py": "from post.services import tell\n",
    "post/services.py": """
class Base:
    def later(self): ...

class Mailer(Base):
    def send(self): ...

gateway = Mailer()

def tell(*args): ...

def remind(): ...

def warn(): ...
""",
    "post/names.py": """
from enum import Enum

class Named(str, Enum): ...

class Colour(Named):
    RED = "red"

class Order:
    \"\"\"Called like a model that is in another module.\"\"\"
""",
    "post/models.py": """
from django.db import models

from post.names import Colour

MAX_LINES = 9

class Kind(models.TextChoices):
    ONE = "one"

class Weight(models.IntegerChoices):
    LIGHT = 1

class Order(models.Model):
    class Status(models.TextChoices):
        PAID = "paid"

    status = models.CharField(max_length=9, choices=Status)

class Line(models.Model):
    order = models.ForeignKey(Order, models.CASCADE, related_name="lines")
    sku = models.CharField(max_length=9)

def due_date(): ...
""",
    "shop/__init__.py": "",
}
USED = {
    # What stands in a module of `shop`: how the import is cut, the commands, what is copied.
    "from post.services import tell as say\ndef f():\n    say(*[1])": (
        "event",
        ["post.services.tell"],
        [],
    ),
    "from post import tell\ndef f():\n    tell(1)": ("event", ["post.services.tell"], []),
    "import post\ndef f():\n    post.tell(1)": ("event", ["post.services.tell"], []),
    "from post.services import tell\ndef f():\n    return tell(1)": ("lookup or event", [], []),
    "import post.services\ndef f():\n    post.services.tell(1).close()": (
        "lookup or event",
        [],
        [],
    ),
    "import post.services\ndef f():\n    job = post.services.tell.delay(1)": (
        "event",
        ["post.services.tell"],
        [],
    ),
    "from post.services import tell\ndef f():\n    print(tell(1))": ("lookup or event", [], []),
    "from post.services import tell\ndef f():\n    a = tell(1)\n    print(a)": (
        "lookup or event",
        [],
        [],
    ),
    "from post.services import tell\ndef f():\n    for each in tell(1): print(each)": (
        "lookup or event",
        [],
        [],
    ),
    "from post.services import tell\ndef f():\n    a = tell(1)\n    tell(a)": (
        "event",
        ["post.services.tell"],
        [],
    ),
    "from post.services import remind, tell\ndef f():\n    a = tell(1)\n    remind()": (
        "event",
        ["post.services.remind"],
        [],
    ),
    "from post.services import tell\ntell(1)": ("library", [], []),
    "from post.services import tell\nclass A:\n    a = tell(1)": ("library", [], []),
    "from post.services import tell\nclass A(AppConfig):\n    def ready(self):\n        tell(1)": (
        "library",
        [],
        [],
    ),
    "from post.services import tell\nclass A(Thing):\n    def ready(self):\n        tell(1)": (
        "event",
        ["post.services.tell"],
        [],
    ),
    "from post.services import remind, tell\nremind()\ndef f():\n    tell(1)": (
        "event",
        ["post.services.tell"],
        [],
    ),
    "from post.services import remind, tell\nremind()\ndef f():\n    return tell(1)": (
        "lookup or event",
        [],
        [],
    ),
    "from post.services import tell\na = dict(call=tell)": ("event", ["post.services.tell"], []),
    "import post.services as s\ndef f():\n    s.remind()\n    s.tell(*[1])": (
        "event",
        ["post.services.remind", "post.services.tell"],
        [],
    ),
    "from post import services\ndef f(on_commit):\n    on_commit(services.warn)": (
        "event",
        ["post.services.warn"],
        [],
    ),
    "from post import services\ndef f(on_commit):\n    on_commit(lambda: services.warn())": (
        "event",
        ["post.services.warn"],
        [],
    ),
    "from post.services import *\ndef f():\n    remind()": ("event", ["post.services.remind"], []),
    "from post.services import Mailer\ndef f():\n    m = Mailer()\n    m.send()\n    m.later()": (
        "event",
        ["post.services.Mailer.later", "post.services.Mailer.send"],
        [],
    ),
    "from post import services\ndef f():\n    services.gateway.send()": (
        "event",
        ["post.services.gateway.send"],
        [],
    ),
    "from post.services import Mailer\nclass M(Mailer): ...": ("copy or library", [], []),
    "import post.services": ("event or lookup", [], []),
    "from post.models import Kind\nKind.ONE": ("copy", [], ["Kind"]),
    "from post.models import Weight as W\nprint(W)": ("copy", [], ["Weight"]),
    "from post.names import Colour\nColour.RED": ("copy", [], ["Colour"]),
    "from post.models import MAX_LINES": ("copy", [], []),
    "from post import models\nmodels.Kind.ONE\nmodels.Order.Status.PAID": (
        "copy",
        [],
        ["Kind", "Order.Status"],
    ),
    "from post.models import Order as O\nO.Status.PAID\nO.Status('paid')": (
        "copy",
        [],
        ["Order.Status"],
    ),
    "from post.models import Order\nOrder.Status.PAID\nOrder.objects.get()": (
        "lookup or event",
        [],
        [],
    ),
    "from post.models import Order\nOrder.Status.PAID\nprint(Order)": ("lookup or event", [], []),
    "from post.models import Order\ndef f(a: Order): a.Status": ("lookup or event", [], []),
    "from post.models import Order, Kind\nOrder.objects, Kind.ONE": (
        "lookup or event",
        [],
        ["Kind"],
    ),
    "from post.models import due_date\ndef f():\n    due_date()": (
        "event",
        ["post.models.due_date"],
        [],
    ),
    "from post.names import Order\nrows = Order.objects.filter(lines__sku=1)": (
        "copy or library",
        [],
        [],
    ),
}


@pytest.fixture(scope="module")
def planned(
    warm: Forks, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, list[Any]]]:
    """The lines of the plan, by file."""
    folder = tmp_path_factory.mktemp("uses")
    modules = {f"shop/m{number}.py": code for number, code in enumerate(USED)}
    for name, text in [*FILES.items(), *modules.items()]:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text + "\n")
    ran = warm.run(folder, "settings", "plan", "--no-cache", "--format", "json")
    assert ran.code == 0, ran
    by_file: dict[str, list[Any]] = {}
    for pairing in json.loads(ran.out)["pairings"]:
        for line in pairing["lines"]:
            by_file.setdefault(line["coupling"]["file"], []).append(line)
    yield by_file


@pytest.mark.parametrize("number", range(len(USED)), ids=[*USED])
def test_what_is_used_of_an_import_says_how_it_is_cut(planned, number):
    code, (to, called, constants) = [*USED.items()][number]
    (line,) = (
        each for each in planned[f"shop/m{number}.py"] if each["coupling"]["kind"] == "import"
    )
    cut = line["cut"]
    assert (cut["to"], line["coupling"]["details"].get("constants", [])) == (to, constants), code
    assert cut["command"] == " && ".join(f"manage.py carve {each}" for each in called)
    assert all(each in cut["text"] for each in constants)


def test_a_class_that_is_called_like_a_model_is_none(planned):
    last = f"shop/m{len(USED) - 1}.py"
    assert [each["coupling"]["kind"] for each in planned[last]] == ["import"]
