"""What can't be read costs only itself, is told, and keeps the check from being green.

Three apps: `goods`, `orders` with a key to it, `sales` with a key to that.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.broken_projects.test_couplings import PROJECT
from tests.copies import LEFT_OUT, ROOT
from tests.forks import Forks, Ran
from tests.ratchets import NAME

MODEL = "from django.db import models\n\n\nclass {name}(models.Model):\n"
CODE = {
    "shop/__init__.py": "",
    "shop/settings.py": """
SECRET_KEY = "for these tests only, and long enough for a key"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "goods", "orders", "sales"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "shop.urls"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
""",
    "shop/urls.py": """
from django.urls import include, path

from goods import views

urlpatterns = [
    path("goods/", views.index, name="goods-index"),
    path("orders/", include("orders.urls")),
    path("sales/", include("sales.urls", namespace="tills")),
]
""",
    "goods/__init__.py": "",
    "goods/models.py": MODEL.format(name="Product")
    + """    amount = models.IntegerField()
    maker = models.ForeignKey("auth.User", models.CASCADE)
""",
    "goods/views.py": "from django.urls import reverse\n\n\ndef index(request):\n    ...\n\n\n"
    'def link():\n    return reverse("tills:list"), reverse("order-list")\n',
    "orders/__init__.py": "",
    "orders/models.py": MODEL.format(name="Line")
    + '    product = models.ForeignKey("goods.Product", models.CASCADE, related_name="lines")\n',
    "orders/urls.py": "from django.urls import path\n\nfrom orders import views\n\n"
    'urlpatterns = [path("", views.index, name="order-list")]\n',
    "orders/views.py": "from orders import receivers\n\n\ndef index(request):\n    ...\n",
    "orders/receivers.py": "from django.db.models.signals import post_save\n"
    "from django.dispatch import receiver\n\nfrom goods.models import Product\n\n\n"
    "@receiver(post_save, sender=Product)\ndef heard(**_):\n    ...\n",
    "sales/__init__.py": "",
    "sales/models.py": MODEL.format(name="Sale")
    + '    line = models.ForeignKey("orders.Line", models.CASCADE)\n',
    "sales/urls.py": "from django.urls import path\n\nfrom sales import views\n\n"
    'app_name = "tills"\nurlpatterns = [path("", views.Sales.as_view(), name="list")]\n',
    "sales/views.py": "from django.views.generic import View\n\nfrom goods.models import Product\n"
    "\n\nclass Sales(View):\n    ...\n\n\n"
    "def late():\n    return Product.objects.filter(lines__sale__pk=1)\n",
    "sales/templates/sales/list.html": '{% url "goods-index" %}\n',
}
"""Nothing but its page leads to the receiver of `orders`."""
NO_COLUMN = """

class Price:
    is_relation = False
    remote_field = None
    name = "price"

    def contribute_to_class(self, cls, name):
        self.model = cls
        cls._meta.add_field(self, private=True)


Price().contribute_to_class(Product, "price")
"""
"""As the fields of money that some packages make."""


class Shop:
    def __init__(self, folder: Path, server: Forks) -> None:
        self.folder = folder
        self.server = server
        for name, code in CODE.items():
            self.write(name, code)

    def write(self, name: str, code: str | bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(code if isinstance(code, bytes) else code.encode())

    def add(self, name: str, code: str) -> None:
        self.write(name, (self.folder / name).read_text() + code)

    def run(self, *arguments: str) -> Ran:
        command, *more = arguments or ("survey",)
        return self.server.run(self.folder, "shop.settings", command, *more, "--no-cache")

    def survey(self) -> Any:
        ran = self.run("survey", "--format", "json")
        assert ran.code == 0, ran.err
        return json.loads(ran.out)

    def told(self) -> set[str]:
        return {
            f"{each['kind']}: {each['source_symbol']} -> {each['target_symbol']}"
            for each in self.survey()["couplings"]
        }

    def unread(self) -> list[str]:
        return [f"{each['kind']}: {each['name']}" for each in self.survey()["unread"]]


@pytest.fixture
def shop(tmp_path: Path, warm: Forks) -> Shop:
    return Shop(tmp_path / "shop", warm)


RELATIONS = {
    "relation: goods.Product.maker -> auth.User",
    "relation: orders.Line.product -> goods.Product",
    "relation: sales.Sale.line -> orders.Line",
}
PAGES = {
    "url: goods.views.link -> sales:list",
    "url: goods.views.link -> orders:order-list",
    "url: sales/list.html -> goods:goods-index",
    "receiver: orders.receivers.heard -> goods.Product",
}


def test_a_field_that_is_no_column_hides_nothing_and_is_read_whole(shop):
    sound = shop.told()
    assert sound > RELATIONS | PAGES
    shop.add("goods/models.py", NO_COLUMN)
    assert shop.told() == sound
    assert shop.unread() == []


ADDED = "cls._meta.add_field(self, private=True)"
LACKING = {
    "no is_relation": (
        ("    is_relation = False\n", ""),
        (ADDED, "cls._meta.private_fields.append(self)"),
    ),
    "no related_model": (
        ("is_relation = False", "is_relation = True"),
        (ADDED, "cls._meta.private_fields.append(self)"),
    ),
    "it raises": (
        ("is_relation = False", "is_relation = property(lambda self: 1 / (not apps.ready))"),
        ("class Price", "from django.apps import apps\n\n\nclass Price"),
    ),
}


@pytest.mark.parametrize("changes", LACKING.values(), ids=LACKING)
def test_a_field_that_may_be_a_relation_costs_itself_and_is_told(shop, changes):
    sound = shop.told()
    code = NO_COLUMN
    for old, new in changes:
        code = code.replace(old, new, 1)
    shop.add("goods/models.py", code)
    found = shop.survey()
    assert shop.told() == sound
    (gap,) = found["unread"]
    assert (gap["kind"], gap["name"]) == ("field", "goods.Product.price")
    assert gap["at"].startswith("goods/models.py:")
    assert found["tried"]["field"] > 10


def test_a_relation_to_what_is_not_there_is_told(shop):
    nowhere = '    other = models.ForeignKey("goods.Nowhere", models.CASCADE)\n'
    shop.add("orders/models.py", nowhere)
    assert shop.unread() == ["field: orders.Line.other"]
    assert shop.told() >= RELATIONS


def test_a_project_that_is_read_in_part_is_never_green(shop, tmp_path):
    """Neither written nor checked, until what is missing is allowed by its name."""
    assert shop.run("survey", "--write").code == 0
    baseline = (shop.folder / NAME).read_text()
    shop.write("goods/old.py", "print 'of old'\n")
    shop.write("goods/latin.py", "x = '\xe9'\n".encode("latin-1"))
    shop.write("sales/templates/sales/x.html", b"\xff")
    checked = shop.run("survey", "--check")
    assert checked.code == 3
    assert "No new coupling" not in checked.out + checked.err
    assert "not read: goods/old.py:1: file: goods/old.py: SyntaxError: " in checked.out
    assert "2 of 17 files, 1 of 2 templates could not be read. New couplings" in checked.err
    for command in ("--write", "--accept"):
        refused = shop.run("survey", command)
        assert (refused.code, (shop.folder / NAME).read_text()) == (3, baseline)
        assert "Nothing was written." in refused.err
    heading = "Incomplete: 2 of 17 files, 1 of 2 templates could not be read"
    assert heading in shop.run("survey").out.splitlines()[0]
    for kind in ("json", "text", "html"):
        out = tmp_path / f"survey.{kind}"
        assert heading in shop.run("survey", "--format", kind, "--output", str(out)).out
        assert "goods/latin.py" in out.read_text()
    planned = shop.run("plan")
    assert planned.code == 3
    assert "The plan lacks their couplings." in planned.err

    names = "goods/old.py", "file: goods/latin.py", "template: sales/templates/sales/x.html"
    assert shop.run("survey", "--check", "--allow-unread", *names).code == 0
    assert shop.run("survey", "--write", "--allow-unread", *names).code == 0
    assert (
        "[unread]\n\nfile: goods/latin.py\n\nfile: goods/old.py\n"
        in (shop.folder / NAME).read_text()
    )
    allowed = shop.run("survey", "--check")
    assert allowed.code == 0
    assert "No new coupling in what was read. Not read: 2 of 17 files, 1 of 2" in allowed.out
    assert shop.run("plan").code == 0
    shop.write("orders/old.py", "print 'of old'\n")
    another = shop.run("survey", "--check")
    assert another.code == 3
    assert another.err.startswith("CommandError: 1 of 18 files could not be read.")

    shop.add("goods/views.py", "from sales.models import Sale\n")
    both = shop.run("survey", "--check")
    assert both.code == 1
    assert "1 new coupling." in both.err
    assert "1 of 18 files could not be read." in both.err
    shop.write("goods/views.py", CODE["goods/views.py"])
    for name in ("orders/old.py", "goods/old.py", "goods/latin.py"):
        shop.write(name, "")
    assert shop.run("survey", "--write").code == 0
    assert "old.py" not in (shop.folder / NAME).read_text()


URLCONFS = {
    "the root": ("shop/urls.py", "\n1 / 0\n", "shop.urls"),
    "one that ends the process": ("sales/urls.py", "\nraise SystemExit\n", "sales.urls"),
    "one that is included": ("orders/urls.py", "\n1 / 0\n", "orders.urls"),
    "one that imports what is not there": ("sales/urls.py", "\nimport nowhere\n", "sales.urls"),
    "one that asks the database": (
        "shop/urls.py",
        "\nfrom goods.models import Product\nurlpatterns += list(Product.objects.all())\n",
        "shop.urls",
    ),
    "one that asks it late": (
        "shop/urls.py",
        "\nfrom goods.models import Product\n\n\nclass Late(list):\n"
        "    def __iter__(self):\n        return iter(Product.objects.all())\n\n\n"
        "urlpatterns = Late(urlpatterns)\n",
        "shop.urls",
    ),
}


@pytest.mark.parametrize("damage", URLCONFS.values(), ids=URLCONFS)
def test_a_module_of_urls_that_raises_costs_neither_pages_nor_receivers(shop, damage):
    """What the others name is read there, and what itself says is read from its text."""
    file, code, name = damage
    sound = shop.told()
    shop.run("survey", "--write")
    shop.add(file, code)
    assert sound <= shop.told()
    assert shop.unread() == [f"URL module: {name}"]
    checked = shop.run("survey", "--check")
    assert checked.code in (1, 3)
    assert "No new coupling" not in checked.out
    assert f"URL module: {name}" in checked.out


IN_A_PACKAGE = {
    "shop/urls/__init__.py": """from django.urls import include, path

from shop.urls import first
from shop.urls import later as later_pages

urlpatterns = [path("f/", include("shop.urls.first")), path("l/", include(later_pages))]
""",
    "shop/urls/first.py": """from django.urls import include, path

from goods import views

urlpatterns = [
    path("goods/", views.index, name="goods-index"),
    path("orders/", include("orders.urls")),
]
""",
    "shop/urls/later.py": """from django.urls import include, path

urlpatterns = [path("sales/", include("sales.urls", namespace="tills"))]
""",
}


RAISING = {
    "shop.urls.first": lambda code: code + "\n1 / 0\n",
    "shop.urls.later": lambda code: code + "\n1 / 0\n",
    "shop.urls": lambda code: "1 / 0\n" + code,  # before it imports any of its modules
}


@pytest.mark.parametrize("raising", RAISING)
def test_a_package_of_urls_whose_module_raises_costs_no_pages_either(shop, raising):
    """It imports its modules itself, so that none of them can be imported any more."""
    (shop.folder / "shop" / "urls.py").unlink()
    for name, code in IN_A_PACKAGE.items():
        shop.write(name, code)
    sound = shop.told()
    assert sound >= PAGES
    [path] = [each for each in IN_A_PACKAGE if _module(each) == raising]
    shop.write(path, RAISING[raising](IN_A_PACKAGE[path]))
    assert sound <= shop.told()
    assert shop.unread() == [f"URL module: {raising}"]


IN_LISTS = {
    "shop/urls.py": """from django.urls import include, path

from shop.pages import common

urlpatterns = common + [path("sales/", include("sales.urls", namespace="tills"))]
""",
    "shop/pages.py": """import orders.urls
from django.urls import include, path
from goods import views

common = [
    path("orders/", include(orders.urls)),
    path("goods/", views.index, name="goods-index"),
    path("more/", include(("goods.more", "more"), namespace="more")),
]
""",
    "goods/more.py": """from django.urls import path
from goods import views

urlpatterns = [path("", views.index, name="goods-more")]
""",
}


@pytest.mark.parametrize("raising", ["orders.urls", "shop.pages", "goods.more"])
def test_a_module_whose_list_of_pages_others_import_costs_only_itself_too(shop, raising):
    """It is included by no name: modules that import it raise with it, up to the root."""
    for name, code in IN_LISTS.items():
        shop.write(name, code)
    sound = shop.told()
    assert sound >= PAGES
    shop.add(f"{raising.replace('.', '/')}.py", "\n1 / 0\n")
    assert sound <= shop.told()
    assert shop.unread() == [f"URL module: {raising}"]


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


WALK = "query: sales/x.html -> orders.Line"
HANDED = {
    "what render is given": """
def shown(request):
    product = Product.objects.get()
    return render(request, "sales/x.html", {"product": product})
""",
    "what a variable holds": """
def shown(request):
    found = {}
    found["product"] = Product.objects.get()
    return render(request, "sales/x.html", context=found)
""",
    "the model of a view": """
from django.views.generic import DetailView


class Shown(DetailView):
    model = Product
    template_name = "sales/x.html"
""",
    "what a view adds": """
class Shown(View):
    template_name = "sales/x.html"

    def get_context_data(self, **more):
        context = super().get_context_data(**more)
        context["product"] = Product.objects.get()
        return context
""",
}


@pytest.fixture
def walking(shop: Shop) -> Shop:
    shop.run("survey", "--write")
    shop.write("sales/templates/sales/x.html", "{{ product.lines.count }}")
    return shop


@pytest.mark.parametrize("code", HANDED.values(), ids=HANDED)
def test_a_walk_in_a_template_is_new_where_its_code_hands_the_row_over(walking, code):
    walking.add("sales/views.py", code)
    checked = walking.run("survey", "--check")
    assert checked.code == 1
    assert f"sales needs orders, {WALK} (walk)" in checked.out
    rebound = "{% for product in others %}{{ product.lines.count }}{% endfor %}"
    walking.write("sales/templates/sales/x.html", rebound)
    assert WALK not in walking.run("survey", "--check").out


def test_a_walk_that_is_not_sure_is_new_only_for_who_asks_for_it(walking):
    assert walking.run("survey", "--check").out == "No new coupling.\n"
    strict = walking.run("survey", "--check", "--strict")
    assert strict.code == 1
    assert f"sales needs orders, {WALK} (walk)" in strict.out
    walking.add("sales/views.py", HANDED["what render is given"])
    other = HANDED["what a variable holds"].replace("Product.objects.get()", "other()")
    walking.add("sales/views.py", other)  # of one that may hand over anything nobody is sure
    assert walking.run("survey", "--check").out == "No new coupling.\n"


def test_a_variable_that_is_handed_rows_of_two_models_is_not_sure(walking):
    """Each of the two would be enough by itself."""
    walking.write("sales/templates/sales/x.html", "{{ product.lines }}{{ product.product }}")
    walking.add("sales/views.py", "\n\nfrom orders.models import Line\n")
    walking.add("sales/views.py", HANDED["what render is given"])
    other = HANDED["what a variable holds"].replace("Product.objects", "Line.objects")
    walking.add("sales/views.py", other)
    assert "query: sales/x.html" not in walking.run("survey", "--check").out


def test_each_of_some_random_defects_costs_only_itself_and_is_told(tmp_path):
    """tests/monoliths plants more of them, in real monoliths."""
    folder = shutil.copytree(PROJECT, tmp_path / "project", ignore=LEFT_OUT)
    environment = {
        **os.environ,
        "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "DJANGO_SETTINGS_MODULE": "market.settings",
    }
    ran = subprocess.run(
        [sys.executable, ROOT / "tests/monoliths/defects.py", folder, "1", "30"],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
