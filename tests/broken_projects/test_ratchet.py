"""The ratchet on a copy of the tangled market: what is new fails, what only moved does not."""

import os
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.copies import ROOT
from tests.forks import Forks, python
from tests.harmless import harmless
from tests.integration.test_tangled import TANGLED
from tests.ratchets import Market, market


@pytest.fixture(scope="module")
def untouched(warm: Forks, tmp_path_factory: pytest.TempPathFactory) -> Market:
    return market(tmp_path_factory.mktemp("ratchet") / "market", warm)


@pytest.fixture
def shop(untouched: Market, tmp_path: Path) -> Market:
    return untouched.copy(tmp_path / "market")


# -- What is new -------------------------------------------------------------------------------

NEW = {
    # An entry: the file, and the code that brings it.
    "import: suppliers.services -> orders.models.Order": (
        "suppliers/services.py",
        "from orders.models import Order\n",
    ),
    "import: suppliers.services.late -> orders.services": (
        "suppliers/services.py",
        "def late():\n    import orders.services\n",
    ),
    "import: orders.services -> catalogue.models.Bundle": (
        "orders/services.py",
        "from catalogue.models import Bundle\n",  # another name of a module that is known
    ),
    "relation: suppliers.Visit.order -> orders.Order": (
        "suppliers/models.py",
        "class Visit(models.Model):\n"
        '    order = models.ForeignKey("orders.Order", models.CASCADE, related_name="+")\n',
    ),
    "string: suppliers.tasks.refresh -> orders.Order": (
        "suppliers/tasks.py",
        "def refresh(apps):\n    return apps.get_model('orders', 'Order')\n",
    ),
    "receiver post_delete: reviews.receivers.invite -> orders.Order": (
        "reviews/receivers.py",
        "post_delete.connect(invite, sender=Order)\n",  # another signal of a sender that is known
    ),
    "admin: parcels.admin.SupplierAdmin -> suppliers.Supplier": (
        "parcels/admin.py",
        "from suppliers.models import Supplier\n\n"
        "@admin.register(Supplier)\nclass SupplierAdmin(admin.ModelAdmin):\n    pass\n",
    ),
    "import: parcels.admin -> suppliers.models.Supplier": ("", ""),  # with the one before
    "template: reviews/stars.html -> orders/list.html": (
        "reviews/templates/reviews/stars.html",
        '{% include "orders/list.html" %}\n',
    ),
    "url: suppliers.services.link -> orders:list": (
        "suppliers/services.py",
        "def link(reverse):\n    return reverse('orders:list')\n",
    ),
    "query: suppliers.services.raw -> orders.Order": (
        "suppliers/services.py",
        'def raw(cursor):\n    cursor.execute("SELECT * FROM orders_order")\n',
    ),
    "query: orders.services.dear -> suppliers.Supplier": (
        "orders/services.py",
        "def dear():\n    return Order.objects.filter(products__supplier__country='NO')\n",
    ),
    "query: orders.services.dear -> catalogue.Product": ("", ""),  # it joins both
    "migration: suppliers -> orders": (
        "suppliers/migrations/0001_initial.py",
        "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n"
        '    dependencies = [("orders", "0001_initial")]\n',
    ),
}


def test_every_new_coupling_fails_and_nothing_else(shop):
    for file, code in NEW.values():
        if file:
            shop.append(file, f"\n{code}")
    shop.append("suppliers/migrations/__init__.py", "")
    assert sorted(shop.check()) == sorted(NEW)


def test_a_new_coupling_names_its_place_its_owner_what_it_entangles_and_its_mend(shop):
    shop.append("orders/services.py", "from catalogue.models import Bundle\n")
    ran = shop.survey("--check")
    lines = ran.out.splitlines()
    assert lines[0] == (
        "orders/services.py:63: orders needs catalogue,"
        " import: orders.services -> catalogue.models.Bundle (module)"
    )
    assert lines[1] == "    owner: @market/orders lead@example.com"
    assert lines[2].startswith("    fix: ")
    assert "1 new coupling" in ran.err


def test_without_a_baseline_what_to_do_is_said(shop):
    shop.baseline.unlink()
    ran = shop.survey("--check")
    assert ran.code == 1
    assert "survey --write" in ran.err


def test_writing_never_adds_and_accepting_does(shop):
    before = shop.baseline.read_text()
    shop.append("orders/services.py", "from catalogue.models import Bundle\n")
    shop.append("suppliers/services.py", "from orders.models import Order\n")
    assert "2 new couplings not listed" in shop.write()
    assert shop.baseline.read_text() == before
    ran = shop.survey("--accept", "import: suppliers.services -> orders.models.Order")
    assert ran.out.startswith("accepted: import: suppliers.services -> orders.models.Order\n")
    assert shop.check() == ["import: orders.services -> catalogue.models.Bundle"]
    assert "No new coupling is named 'nothing'" in shop.survey("--accept", "nothing").err
    assert shop.survey("--accept").code == 0
    assert shop.check() == []


# -- What only moved ---------------------------------------------------------------------------


def function(shop: Market) -> None:
    shop.everywhere(r"\bin_norway\b", "of_norway")


def function_to_another_module(shop: Market) -> None:
    """Its imports go with it; the module that it leaves stays."""
    text = (shop.folder / "orders/services.py").read_text()
    start, end = text.index("def move_stock"), text.index("def tell")
    shop.append("orders/stock.py", text[start:end])
    (shop.folder / "orders/services.py").write_text(text[:start] + text[end:])


def class_(shop: Market) -> None:
    shop.everywhere(r"\bParcelAdmin\b", "ParcelPages")


def module(shop: Market) -> None:
    shop.move("reviews/services.py", "reviews/rating.py")
    shop.everywhere(r"reviews\.services\b", "reviews.rating")


def module_that_is_imported_by_name(shop: Market) -> None:
    shop.move("orders/signals.py", "orders/announcements.py")
    shop.everywhere(r"orders\.signals\b", "orders.announcements")


def model(shop: Market) -> None:
    shop.everywhere(r"\bSupplier\b", "Vendor")
    shop.everywhere(r"\bsuppliers\.supplier\b", "suppliers.vendor")


def field(shop: Market) -> None:
    shop.everywhere(r"\bwrapped_by\b", "packed_by")


def app(shop: Market) -> None:
    shop.move("suppliers", "vendors")
    shop.everywhere(r"\bsuppliers\b", "vendors")


def label(shop: Market) -> None:
    shop.everywhere(r'"shipping"', '"transport"')
    shop.everywhere(r"\bshipping:", "transport:")


def template(shop: Market) -> None:
    folder = "reviews/templates/reviews/"
    shop.move(f"{folder}stars.html", f"{folder}rating.html")
    shop.everywhere(r"reviews/stars\.html", "reviews/rating.html")


def page(shop: Market) -> None:
    shop.everywhere(r"reviews:track", "reviews:follow")
    shop.everywhere(r'name="track"', 'name="follow"')


def signal(shop: Market) -> None:
    shop.everywhere(r"\border_paid\b", "payment_came")


def kernel(shop: Market) -> None:
    shop.move("core", "basis")
    shop.everywhere(r"(?<!\.)\bcore\b", "basis")  # but django.core


def import_from_where_it_is_defined(shop: Market) -> None:
    """The old name still stands for it."""
    shop.move("catalogue/signals.py", "catalogue/announcements.py")
    shop.append("catalogue/signals.py", "from catalogue.announcements import price_changed\n")
    shop.replace("reviews/receivers.py", "catalogue.signals", "catalogue.announcements")


MOVES = {
    "names": (function, class_, field, template, page, signal),
    "modules": (function_to_another_module, module, module_that_is_imported_by_name),
    "apps": (app, label, kernel),
    "a model": (model,),
    "a name that is passed on": (import_from_where_it_is_defined,),
}
LOST = {"apps": 2, "a model": 4}
"""Tables in raw SQL and natural keys are not renamed, nor a variable named like its model."""


@pytest.mark.parametrize("changes", MOVES)
def test_what_was_renamed_is_followed(shop, changes):
    for change in MOVES[changes]:
        change(shop)
    listed = len(shop.entries)
    told = shop.write()
    assert "not listed" not in told
    assert " 0 renamed" not in told
    assert listed - len(shop.entries) <= LOST.get(changes, 0)


def test_before_the_baseline_follows_the_check_tells_what_was_renamed(shop):
    function(shop)
    assert shop.survey("--check").out.splitlines() == [
        *(
            f"notice: renamed: query: orders.services.in_norway -> {target},"
            f" now orders.services.of_norway -> {target}"
            for target in ("accounts.Person", "catalogue.Product", "suppliers.Supplier")
        ),
        "notice: 0 gone, 3 renamed since the baseline was written."
        " Run `survey --write` to update it.",
        "No new coupling.",
    ]
    shop.write()
    assert shop.survey("--check").out == "No new coupling.\n"


# -- What only looks so ------------------------------------------------------------------------


def swap_of_targets(shop: Market) -> str:
    shop.replace("reviews/receivers.py", "from orders.models import Order  # C\n", "Order = None\n")
    shop.append("reviews/receivers.py", "from orders.models import OrderLine\n")
    return "import: reviews.receivers -> orders.models.OrderLine"


def swap_for_a_new_target(shop: Market) -> str:
    """The old one is still there, only not imported."""
    shop.append("orders/signals.py", "order_lost = Signal()\n")
    shop.replace("reviews/receivers.py", "import order_paid", "import order_lost")
    shop.replace("reviews/receivers.py", "@receiver(order_paid)", "@receiver(order_lost)")
    return "import: reviews.receivers -> orders.signals.order_lost"


def swap_of_functions(shop: Market) -> str:
    """One function goes with its coupling; another, which was there, does the same now."""
    text = (shop.folder / "reviews/services.py").read_text()
    start, end = text.index("def products"), text.index("def lines")
    lines = "def of_nobody(order: dict):\n"
    text = (text[:start] + text[end:]).replace(
        lines, f"{lines}    apps.get_model('catalogue.Product')\n"
    )
    (shop.folder / "reviews/services.py").write_text(text)
    return "string: reviews.services.of_nobody -> catalogue.Product"


def swap_to_a_function_while_the_old_stays(shop: Market) -> str:
    shop.replace("reviews/services.py", 'return apps.get_model("catalogue.Product")', "return x")
    shop.append("reviews/services.py", "\ndef anew():\n    apps.get_model('catalogue.Product')\n")
    return "string: reviews.services.anew -> catalogue.Product"


def swap_of_fields(shop: Market) -> str:
    shop.replace("parcels/models.py", "orders.Order", "suppliers.Supplier")
    return "relation: shipping.Parcel.order -> suppliers.Supplier"


def swap_of_modules(shop: Market) -> str:
    """A module goes, and another, which was there, imports the same."""
    shop.append("suppliers/services.py", "")
    text = "from orders.models import Order  # C\n"
    shop.replace("reviews/receivers.py", text, "Order = None\n")
    shop.append("reviews/views.py", text)
    return "import: reviews.views -> orders.models.Order"


def import_for_types_that_becomes_real(shop: Market) -> str:
    text = "    from orders.models import Order  # C\n"
    shop.replace("catalogue/managers.py", text, "    pass\n")
    shop.append("catalogue/managers.py", text.lstrip())
    return "import: catalogue.managers -> orders.models.Order"


def move_to_another_context(shop: Market) -> str:
    """Who needs it is coupled with another context than before."""
    shop.move("catalogue/signals.py", "suppliers/signals.py")
    shop.everywhere(r"catalogue\.signals", "suppliers.signals")
    return "import: reviews.receivers -> suppliers.signals.price_changed"


SWAPS = [
    (swap_of_targets, swap_of_fields, import_for_types_that_becomes_real),
    (swap_for_a_new_target, swap_of_functions),
    (swap_of_modules, swap_to_a_function_while_the_old_stays),
    (move_to_another_context,),
]


@pytest.mark.parametrize("changes", SWAPS, ids=lambda changes: changes[0].__name__)
def test_a_new_coupling_in_the_place_of_an_old_one_fails(shop, changes):
    expected = {change(shop) for change in changes}
    assert expected <= {*shop.check()}


def test_a_new_one_that_may_be_an_old_one_says_so(shop):
    expected = swap_of_functions(shop)
    ran = shop.survey("--check")
    assert expected in ran.out
    assert "string: reviews.services.products -> catalogue.Product is gone." in ran.out
    assert "run `survey --accept`" in ran.out


def test_an_import_that_is_only_needed_for_types_any_more_is_followed(shop):
    shop.replace(
        "orders/services.py",
        "from catalogue.models import Product  #",
        "if TYPE_CHECKING:\n    from catalogue.models import Product  #",
    )
    assert shop.check() == []


# -- What alarms nobody ------------------------------------------------------------------------


def test_tests_and_guesses_and_users_of_the_kernel_are_no_news(shop):
    guess = "def later(supplier):\n    return supplier.product_set.all()\n"
    shop.append("suppliers/tests.py", "from orders.models import Order\n")
    shop.append("suppliers/services.py", f"\n\n{guess}")
    shop.append("suppliers/services.py", "from core.models import Stamped\n")
    assert shop.check() == []
    assert "1 new coupling not listed" not in shop.write()
    shop.survey("--accept")
    assert "query: suppliers.services.later -> catalogue.Product" in shop.entries


def test_another_migration_that_needs_the_same_is_no_news(shop):
    for number in ("0003", "0004"):
        shop.append(
            f"orders/migrations/{number}_again.py",
            "import reviews.models\nfrom django.db import migrations\n\n\n"
            "class Migration(migrations.Migration):\n"
            '    dependencies = [("orders", "0002_prices"), ("catalogue", "0001_initial")]\n',
        )
    assert shop.check() == ["import: orders.migrations -> reviews.models"]


def test_a_kernel_that_needs_something_is_news_and_those_that_need_it_are_not(shop):
    shop.append("core/tools.py", "from orders.models import Order\n")
    assert shop.check() == ["import: core.tools -> orders.models.Order"]


def test_what_becomes_a_kernel_stays_listed(shop):
    """Nothing needs anything of suppliers but orders, catalogue, and so on; so it is no kernel."""
    for app in ("accounts", "orders", "parcels", "reports", "reviews", "catalogue"):
        shop.append(f"{app}/more.py", "from core.models import Stamped\n")
    assert shop.check() == []
    listed = shop.entries
    shop.write()
    assert shop.entries == listed


def test_a_module_that_is_imported_whole_stays_listed_beside_its_names(shop):
    """The survey tells of both as one, by the names."""
    line = "from catalogue.models import Bundle\n"
    shop.append("reviews/models.py", line)
    shop.survey("--accept")
    assert "import: reviews.models -> catalogue.models" in shop.entries
    shop.replace("reviews/models.py", line, "")
    assert shop.check() == []


def test_what_could_not_be_read_is_not_taken_out(shop):
    listed = shop.entries
    shop.append("reports/tasks.py", "print 'Python 2'\n")
    assert "may not be gone" in shop.survey("--check").out
    assert shop.survey("--write", "--allow-unread", "reports/tasks.py").code == 0
    assert shop.entries == listed


def test_the_shop_before_carving_has_no_coupling_that_its_baseline_lacks(warm):
    assert warm.run(TANGLED, "config.settings", "survey", "--check").out == "No new coupling.\n"


# -- Where it lies -----------------------------------------------------------------------------


def test_among_installed_packages_nothing_is_written(shop, tmp_path):
    """Settings and code are installed: no folder is the project's own but that of a manage.py."""
    packages = tmp_path / "lib" / "site-packages"
    installed = shop.copy(packages / "market")
    installed.baseline.unlink()
    here = tmp_path / "here"
    here.mkdir()
    before = {*packages.rglob("*")}
    survey = "survey", "--pythonpath", str(installed.folder)

    def run(*arguments):
        return shop.forks.run(here, "market.settings", *survey, *arguments)

    for inside in (["--write"], ["--accept"], ["--write", "--baseline", str(installed.baseline)]):
        ran = run(*inside)
        assert ran.code == 1, ran
        assert "the next installation would delete" in ran.err
        assert "Name another file: --baseline carveout-baseline.txt." in ran.err
        assert "Traceback" not in ran.err
    assert run("--write", "--baseline", "mine.txt").code == 0
    (here / "manage.py").touch()
    assert run("--write").out.startswith(f"{here / 'carveout-baseline.txt'}: ")
    assert run("--check").out == "No new coupling.\n"
    elsewhere = "--root", str(installed.folder / "orders")  # one app of it, as a library has it
    assert run("--write", *elsewhere).code == 0
    assert {*here.iterdir()} == {
        here / name for name in ("manage.py", "mine.txt", "carveout-baseline.txt")
    }
    assert {each for each in packages.rglob("*") if "__pycache__" not in each.parts} == before


# -- As a system check -------------------------------------------------------------------------


@pytest.fixture
def installed(shop: Market) -> Market:
    """With us in INSTALLED_APPS."""
    shop.append(
        "market/carved.py", 'from market.settings import *\n\nINSTALLED_APPS += ["carveout"]\n'
    )
    shop.replace("manage.py", '"market.settings"', '"market.carved"')
    return shop


def manage(shop: Market, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "market.carved"}
    return python("manage.py", *arguments, folder=shop.folder, env=env)


def test_django_checks_it_too_and_only_when_asked(installed):
    installed.append("orders/services.py", "from catalogue.models import Bundle\n")
    ran = manage(installed, "check", "--tag", "carveout")
    assert ran.returncode == 1
    assert "orders/services.py:63: (carveout.E008) orders needs catalogue, import: " in ran.stderr
    assert "HINT: owner: @market/orders lead@example.com" in ran.stderr
    assert "carveout.E008" not in manage(installed, "migrate", "--plan").stderr
    installed.append("orders/of_old.py", "print 'Python 2'\n")
    ran = manage(installed, "check", "--tag", "carveout")
    assert "(carveout.E020) Not read: orders/of_old.py:1: file: orders/of_old.py: Sy" in ran.stderr
    installed.baseline.write_text("nothing of ours\n")
    ran = manage(installed, "check", "--tag", "carveout")
    assert "(carveout.E009) carveout-baseline.txt:1: this is not a baseline" in ran.stderr


# -- Commits -----------------------------------------------------------------------------------

COMMITS = 20


def couple(shop: Market, number: int) -> str:
    """A coupling like those that come with a day's work."""
    name = f"need_{number}"
    code, target = [
        ("    from orders.models import GiftOrder\n", "orders.models.GiftOrder"),
        ("    return apps.get_model('reviews', 'Review')\n", "reviews.Review"),
        ("    cursor.execute('SELECT 1 FROM reports_showing')\n", "reports.Showing"),
    ][number % 3]
    shop.append("suppliers/managers.py", f"\n\ndef {name}(apps, cursor):\n{code}")
    kind = ("import", "string", "query")[number % 3]
    return f"{kind}: suppliers.managers.{name} -> {target}"


def test_harmless_commits_alarm_nobody_and_a_coupling_between_them_does(shop):
    chance = random.Random(6)
    found, expected, alarms = [], [], []
    for number in range(COMMITS):
        name = harmless(shop, chance)
        if number % 4:
            alarms += [(name, each) for each in shop.check()]
            continue
        expected.append(couple(shop, number))
        found += shop.check()
        shop.undo()
    assert alarms == []
    assert found == expected


# -- Branches ----------------------------------------------------------------------------------


def without_relation(shop: Market) -> None:
    """Both branches do this."""
    field = 'models.OneToOneField(to="orders.OrderLine", on_delete=models.SET_NULL, null=True)'
    shop.replace("reviews/models.py", field, "models.IntegerField(null=True)")


def without_signal(shop: Market) -> None:
    line = "from orders.signals import order_paid  # C"
    shop.replace("reviews/receivers.py", line, "\norder_paid = Signal()")
    shop.replace("reviews/receivers.py", "import receiver\n", "import Signal, receiver\n")


def without_models(shop: Market) -> None:
    """In the baseline this stands beside the signal."""
    shop.replace("reviews/services.py", "from orders import models as order_models  # C", "")
    shop.replace("reviews/services.py", ": order_models.Order", "")


def carved(shop: Market, branch: str, *changes: Callable[[Market], None]) -> set[str]:
    """Returns: what is gone on a branch with these changes."""
    shop.git("checkout", "-q", "-b", branch, "main")
    before = shop.entries
    for change in changes:
        change(shop)
    shop.write()
    shop.commit(branch)
    return before - shop.entries


def test_two_branches_that_carve_merge_and_the_baseline_is_that_of_both(shop):
    listed = shop.entries
    one = carved(shop, "one", without_relation, without_signal)
    two = carved(shop, "two", without_relation, without_models)
    assert one & two and one - two and two - one
    shop.git("merge", "-q", "-m", "merge", "one")
    assert shop.entries == listed - one - two
    merged = shop.baseline.read_text()
    assert shop.check() == []
    shop.write()
    assert shop.baseline.read_text() == merged


def test_a_branch_that_carves_merges_with_one_that_accepts(shop):
    gone = carved(shop, "one", without_relation, without_signal)
    listed = shop.entries
    shop.git("checkout", "-q", "main")
    new = couple(shop, 0)
    assert shop.survey("--accept").code == 0
    shop.commit()
    shop.git("merge", "-q", "-m", "merge", "one")
    assert gone and shop.entries == listed | {new}
    assert shop.check() == []


def test_a_baseline_in_conflict_is_told_and_mended_by_writing(shop):
    new = []
    for branch, number in (("one", 0), ("two", 3)):
        shop.git("checkout", "-q", "-b", branch, "main")
        new.append(couple(shop, number))
        assert shop.survey("--accept").code == 0
        shop.commit()
    shop.git("merge", "-q", "one", fails=True)
    code = "".join(shop.git("show", f"{each}:suppliers/managers.py") for each in ("one", "two"))
    (shop.folder / "suppliers/managers.py").write_text(code)
    ran = shop.survey("--check")
    assert ran.code == 1
    assert "two branches changed this" in ran.err
    shop.write()
    assert {*new} <= shop.entries
    assert shop.check() == []
