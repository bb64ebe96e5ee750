"""A URL module that raises: what its source says is read with the namespaces that it gives.

In each project here `index` is a page of `goods`, and of `orders` too in the namespace `staff`. If
the list around it were not seen, the second would be taken for the first.
"""

from pathlib import Path

import pytest

from tests.broken_projects.test_unread import Shop
from tests.forks import Forks

CODE = {
    "orders/urls.py": "from django.urls import path\n\nfrom orders import views\n\n"
    'urlpatterns = [path("", views.index, name="index")]\n',
    "sales/links.py": "from django.urls import reverse\n\n\n"
    'def shop():\n    return reverse("index")\n\n\n'
    'def staff():\n    return reverse("staff:index")\n',
    "orders/links.py": "from django.urls import reverse\n\n\n"
    'def shop():\n    return reverse("index")\n',
    "goods/views.py": "def index(request):\n    ...\n\n\ndef described(pages):\n    return index\n",
}
SHOP = "url: sales.links.shop -> goods:index"
STAFF = "url: sales.links.staff -> orders:index"
OWN = "url: orders.links.shop -> goods:index"
"""Of `orders`, which has a page of this name itself, but in a namespace."""
ROOT = """
from django.conf import settings
from django.urls import include, path
from goods import views

"""
ORDERS = 'path("orders/", include("orders.urls"))'
INDEX = 'path("", views.index, name="index")'
TOLD = {
    "a list in place": f"""
urlpatterns = [{INDEX}, path("staff/", include(([{ORDERS}], "staff"), namespace="staff"))]
""",
    "a list that has a name": f"""
pages = [{ORDERS}]
urlpatterns = [{INDEX}, path("staff/", include((pages, "staff")))]
""",
    "a list and its namespace that have a name": f"""
pages = [{ORDERS}], "staff"
urlpatterns = [{INDEX}, path("staff/", include(pages))]
""",
    "a module and its namespace": f"""
urlpatterns = [{INDEX}, path("staff/", include(("orders.urls", "staff")))]
""",
    "a module that was imported, and its namespace": f"""
import orders.urls

urlpatterns = [{INDEX}, path("staff/", include((orders.urls, "staff")))]
""",
    "a namespace by position": f"""
urlpatterns = [{INDEX}, path("staff/", include(("orders.urls", "desk"), "staff"))]
""",
    "a namespace that has a name": f"""
STAFF = "staff"
urlpatterns = [{INDEX}, path("staff/", include(("orders.urls", "desk"), namespace=STAFF))]
""",
    "what include returns": f"""
staff = include(("orders.urls", "staff"))
urlpatterns = [{INDEX}, path("staff/", staff)]
""",
    "a list and both of its namespaces": f"""
urlpatterns = [{INDEX}, path("staff/", ([{ORDERS}], "desk", "staff"))]
""",
    "lists in lists": f"""
urlpatterns = [{INDEX}, path("a/", include([path("b/", include(([{ORDERS}], "staff")))]))]
""",
    "a list that grows": f"""
pages = []
urlpatterns = [path("staff/", include((pages, "staff")))]
pages += [{ORDERS}]
urlpatterns.append({INDEX})
""",
    "a list that becomes part of another of this name": f"""
urlpatterns = [{ORDERS}]
urlpatterns = [path("staff/", include((urlpatterns, "staff"))), {INDEX}]
""",
    "a function": f"""
def staff(pages, name):
    return [path("staff/", include((pages, name)))]


urlpatterns = [{INDEX}] + staff([{ORDERS}], name="staff")
""",
    "a setting that is off": f"""
urlpatterns = [{INDEX}, *([] if settings.DEBUG else [path("", include(("orders.urls", "staff")))])]
if settings.DEBUG:
    urlpatterns = [{ORDERS}]
if getattr(settings, "OLD", False) or "old" in settings.INSTALLED_APPS:
    urlpatterns += [{ORDERS}]
""",
    "what is done without a package": f"""
urlpatterns = [{INDEX}]
try:
    import nowhere

    urlpatterns.append({ORDERS})
except ImportError:
    urlpatterns += [path("staff/", include(("orders.urls", "staff")))]
""",
    "decorators of Django": """
from django.contrib.auth.decorators import login_required
from django.views.decorators.cache import cache_page

urlpatterns = [
    path("", cache_page(60)(login_required(views.index)), name="index"),
    path("staff/", include(("orders.urls", "staff"))),
]
""",
    "pages that a view describes": f"""
from goods.views import described

urlpatterns = [path("staff/", include(("orders.urls", "staff"))), {INDEX}]
urlpatterns += [path("described/", described(pages=urlpatterns), name="described")]
""",
    "functions by other names": """
from django.urls import include as included, path as page

pages = [page("orders/", included("orders.urls"))]
urlpatterns = [
    page("", views.index, name="index"),
    page("staff/", included(arg=(pages, "staff"))),
]
""",
    "languages": f"""
from django.conf.urls.i18n import i18n_patterns

urlpatterns = i18n_patterns({INDEX}, path("staff/", include(("orders.urls", "staff"))))
""",
}


@pytest.fixture
def shop(tmp_path: Path, warm: Forks) -> Shop:
    shop = Shop(tmp_path / "shop", warm)
    for name, code in CODE.items():
        shop.write(name, code)
    return shop


@pytest.mark.parametrize("code", TOLD.values(), ids=TOLD)
def test_names_of_a_module_that_raises_keep_their_namespaces(shop, code):
    shop.write("shop/urls.py", ROOT + code)
    sound = shop.told()
    assert sound >= {SHOP, STAFF, OWN}
    shop.write("shop/urls.py", f"{ROOT}{code}\n1 / 0\n")
    assert shop.told() == sound
    assert shop.unread() == ["URL module: shop.urls"]


NOT_TOLD = {
    "a namespace that is made": """
def named():
    return "".join(["st", "aff"])


STAFF = named()
urlpatterns = [path("staff/", include(("orders.urls", "desk"), namespace=STAFF)), {INDEX}]
""",
    "a namespace of one of two names": """
import os

STAFF = "staff"
if os.environ.get("NOWHERE"):
    STAFF = ""
urlpatterns = [path("staff/", include(("orders.urls", "desk"), namespace=STAFF)), {INDEX}]
""",
    "a list that a function of others puts in a namespace": """
from goods.wrap import wrapped

urlpatterns = wrapped("staff", [{ORDERS}]) + [{INDEX}]
""",
    "one of two namespaces": """
import os

urlpatterns = [
    path("staff/", include(([{ORDERS}], "x" if os.environ.get("NOWHERE") else "staff"))),
    {INDEX},
]
""",
    "a namespace that is put together": """
urlpatterns = [path("staff/", include(([{ORDERS}], "s%s" % "taff"))), {INDEX}]
""",
    "what decorators of others make of an include": """
from sales.make import made

urlpatterns = [path("staff/", made(include(("orders.urls", "staff")))), {INDEX}]
""",
    "a list that a class makes": """
class Site:
    def urls(self):
        return [path("staff/", include(([{ORDERS}], "staff")))]


urlpatterns = Site().urls() + [{INDEX}]
""",
    "a view that a function of the project makes": """
from sales.make import made

urlpatterns = [
    path("staff/", include(("orders.urls", "staff"))),
    path("", made(views.index), name="index"),
]
""",
}
WRAP = """from django.urls import include, path


def wrapped(name, pages):
    return [path("x/", include((pages, name)))]
"""
MADE = "def made(view):\n    return view\n"


@pytest.mark.parametrize("code", NOT_TOLD.values(), ids=NOT_TOLD)
def test_names_that_only_running_would_show_are_unresolved_and_never_wrong(shop, code):
    code = code.replace("{ORDERS}", ORDERS).replace("{INDEX}", INDEX)
    shop.write("goods/wrap.py", WRAP)
    shop.write("sales/make.py", MADE)
    shop.write("shop/urls.py", ROOT + code)
    sound = shop.told()
    assert sound >= {SHOP, STAFF, OWN}
    shop.write("shop/urls.py", f"{ROOT}{code}\n1 / 0\n")
    found = shop.told()
    assert found <= sound
    assert found >= sound - {SHOP, STAFF, OWN}
    assert shop.unread() == ["URL module: shop.urls"]


LISTS = {
    "shop/urls.py": f"""{ROOT}
from shop.pages import common, staff

urlpatterns = common + [path("staff/", include((staff, "staff")))]
""",
    "shop/pages.py": f"{ROOT}common = [{INDEX}]\nstaff = [{ORDERS}]\n",
}
STARS = {
    "shop/urls.py": "from shop.pages import *\n",
    "shop/pages.py": f"{ROOT}from shop.staff import staff\n\n"
    f'urlpatterns = [{INDEX}, path("staff/", include((staff, "staff")))]\n',
    "shop/staff.py": f"{ROOT}staff = [{ORDERS}]\n",
}
SEVERAL = {
    "lists of one": (LISTS, ["shop.pages"]),
    "lists of one, and who imports them": (LISTS, ["shop.pages", "shop.urls"]),
    "lists of one, and who is included": (LISTS, ["orders.urls", "shop.pages"]),
    "all of it": (LISTS, ["orders.urls", "shop.pages", "shop.urls"]),
    "who imports all of another": (STARS, ["shop.urls"]),
    "who has a list of another": (STARS, ["shop.pages"]),
    "who has none but a list for another": (STARS, ["shop.staff"]),
    "all in a row": (STARS, ["orders.urls", "shop.pages", "shop.staff", "shop.urls"]),
}


@pytest.mark.parametrize(("code", "raising"), SEVERAL.values(), ids=SEVERAL)
def test_each_list_of_a_module_that_raises_has_only_its_own_pages(shop, code, raising):
    for name, text in code.items():
        shop.write(name, text)
    sound = shop.told()
    assert sound >= {SHOP, STAFF, OWN}
    for name in raising:
        shop.add(f"{name.replace('.', '/')}.py", "\n1 / 0\n")
    assert shop.told() == sound
    assert shop.unread() == [f"URL module: {name}" for name in raising]


NAMED = f"""{ROOT}
urlpatterns = [{INDEX}, path("staff/", include("orders.urls", namespace="staff"))]
"""


def test_a_url_module_that_is_no_python_costs_no_pages_of_others(shop):
    shop.write("shop/urls.py", NAMED)
    shop.add("orders/urls.py", 'app_name = "staff"\n')
    sound = shop.told()
    assert sound >= {SHOP, STAFF, OWN}
    shop.write("orders/urls.py", "print 'of old'\n")
    assert shop.told() == sound - {STAFF, "receiver: orders.receivers.heard -> goods.Product"}
    assert shop.unread() == ["URL module: orders.urls", "file: orders/urls.py"]


@pytest.mark.parametrize("given", [', namespace="staff"', ""])
def test_the_namespace_of_a_module_that_computes_its_name_is_that_of_who_includes_it(shop, given):
    shop.write("shop/urls.py", NAMED.replace(', namespace="staff"', given))
    shop.add("orders/urls.py", 'app_name = "".join(["st", "aff"])\n')
    sound = shop.told()
    assert sound >= {SHOP, STAFF, OWN}
    shop.add("orders/urls.py", "\n1 / 0\n")
    assert shop.told() == (sound if given else sound - {STAFF})
    assert shop.unread() == ["URL module: orders.urls"]
