"""The docs say what is true: their code runs, and what they list is what the code has."""

import ast
import functools
import inspect
import math
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command, load_command_class
from django.core.management.base import BaseCommand

import carveout
from carveout import checks, errors, testing
from carveout.carving.ratchet import system_check
from carveout.carving.survey.report.legend import KINDS
from carveout.carving.survey.report.legend import WORDS as ON_THE_PAGE
from carveout.conf import loading
from carveout.conf.requirements import ENGINE
from carveout.contracts import system_check as contracts
from carveout.events import declarations
from carveout.models import Delivery
from carveout.operations.announced_tables import system_check as announced_tables
from carveout.operations.doctor import redis
from carveout.runtime import stopping as stop
from carveout.subscriptions import subscription
from tests.command_lines import FENCE
from tests.copies import ROOT
from tests.forks import python
from tests.pages import Code, files, steps

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
PAGES += sorted(DOCS.rglob("*.md"))
EVERYWHERE = [*PAGES, *sorted((ROOT / "examples").rglob("*.md"))]
COMMANDS_OF = {
    "carveout": "carveout/management/commands",
    "demo": "demo/management/commands",
    "orders": "orders/management/commands",
    "shop.catalogue": "shop/catalogue/management/commands",
}

# -- Code in the docs --------------------------------------------------------------------------

PROJECT = {
    "settings.py": """
import carveout

SECRET_KEY = "for the docs only, and long enough for a key"
USE_TZ = True
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
CARVEOUT = {
    "DELIVERY": "inline",
    "CONTEXTS": {"orders": {"apps": ["orders"]}, "letters": {"apps": ["letters"]}},
}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "carveout",
    *carveout.hosted_apps(CARVEOUT),
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
""",
    "orders/__init__.py": "",
    "orders/models.py": """
from django.db import models
from rest_framework import serializers

class Order(models.Model):
    number = models.CharField(max_length=20)
    email = models.EmailField()

class OrderSerializer(serializers.ModelSerializer):
    class Meta:
        model = Order
        fields = ["number", "email"]
""",
    "letters/__init__.py": "",
    "letters/models.py": """
from django.db import models

class Letter(models.Model):
    order_number = models.CharField(max_length=20)
    to = models.EmailField()
""",
    "test_readme.py": """
from carveout.testing import drain
from letters.models import Letter
from orders.services import place_order

def test_a_letter_is_written_once(db):
    place_order("A-1", "maria@example.com")
    drain()
    drain()
    assert [(letter.order_number, letter.to) for letter in Letter.objects.all()] == [
        ("A-1", "maria@example.com")
    ]
""",
}
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SETUP = DOCS / "howto/add-to-a-project.md"
SUBSCRIBER = DOCS / "tutorial/add-a-subscriber.md"
STYLES = DOCS / "explanation/four-styles.md"
APART = (
    SETUP,
    DOCS / "howto/carve.md",
    SUBSCRIBER,
    STYLES,
)  # each has a test of its own
WITH_CODE = [page for page in PAGES if page not in APART and BLOCK.search(page.read_text())]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def parts(page: Path) -> Iterator[Code]:
    """What a page's blocks hold."""
    for block in BLOCK.findall(page.read_text()):
        yield from files(block)


def write_project(page: Path, folder: Path) -> None:
    """The example of the README, changed as the page says."""
    for path, code in PROJECT.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(code)
    for source in dict.fromkeys((ROOT / "README.md", page)):
        for code in parts(source):
            code.write(folder)


@pytest.mark.parametrize("page", WITH_CODE, ids=name)
def test_code_in_the_docs_runs(page, tmp_path):
    write_project(page, tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    ran = python(
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"),
        folder=tmp_path,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "settings"},
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_code_of_the_added_subscriber_is_that_of_its_example():
    shown = {code.path: code.text for code in parts(SUBSCRIBER)}
    assert len(shown) == 3
    assert shown == {path: (ROOT / path).read_text() for path in shown}


def test_the_code_of_the_four_styles_is_in_their_example():
    shown = list(parts(STYLES))
    assert len(shown) == 5
    for code in shown:
        assert code.text.strip() in (ROOT / code.path).read_text(), code.path


SHORT_FORM = """
from django.core.management import execute_from_command_line as manage

manage(["manage.py", "makemigrations", "--verbosity=0", "orders", "letters"])
manage(["manage.py", "check"])
manage(["manage.py", "test"])
"""


def test_code_of_the_setup_page_runs(tmp_path):
    """The short form of `test_the_setup_page_runs_to_the_letter`."""
    call_command("startproject", "mysite", tmp_path)
    for app in ("orders", "letters"):
        (tmp_path / app).mkdir()
        (tmp_path / app / "__init__.py").touch()
    text = SETUP.read_text().partition("## Wagtail")[0]
    for code in (each for each in steps(text) if isinstance(each, Code)):
        code.write(tmp_path)
    (tmp_path / "short_form.py").write_text(SHORT_FORM)
    ran = python(
        *("-W", "error", "short_form.py"),
        folder=tmp_path,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "mysite.settings", "CONTEXTS": ""},
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Ran 1 test" in ran.stderr and "OK" in ran.stderr


UNIT = re.compile(r"^```ini\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_the_units_start_what_there_is_and_let_it_end():
    installed = UNIT.findall(section("howto/production.md", "Install the services"))
    network = "Wants=network-online.target\nAfter=network-online.target\n"
    services = [unit for unit in installed if "ExecStart=" in unit]
    assert [unit for unit in services if network not in unit] == []
    units = [unit for unit in services if "manage.py" in unit]
    commands = [re.search(r"ExecStart=\S+ manage\.py (.+)", each)[1].split() for each in units]
    assert [command for command, *_ in commands] == ["relay", "consume", "work"]
    for (command, *arguments), unit in zip(commands, units, strict=True):
        load_command_class("carveout", command).create_parser("", command).parse_args(arguments)
        assert int(re.search(r"TimeoutStopSec=(\d+)", unit)[1]) > stop.LAST_S
    stopping = SETUP.read_text().partition("**Stopping.**")[2]
    assert f"After {stop.GRACE_S:.0f} seconds" in stopping
    assert f"within {math.ceil(stop.LAST_S)} seconds" in stopping


def test_the_setup_page_names_every_extra_and_every_file_that_is_found():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = set(rows("howto/add-to-a-project.md", "1. Install"))
    assert named == project["optional-dependencies"].keys() - {"dev"}
    found = {f"{each}.py" for each in (*declarations.MODULES, "urls")}
    assert set(rows("howto/add-to-a-project.md", "6. Handle it")) == found


def test_the_example_of_the_readme_is_short():
    (block,) = BLOCK.findall((ROOT / "README.md").read_text())
    lines = [line for line in block.splitlines() if line and not line.startswith("import ")]
    assert len(lines) <= 30


# -- Lists that are equal to the code ----------------------------------------------------------


def rows(page: str, heading: str = "") -> dict[str, list[str]]:
    """The rows of a page's tables under a heading, by what stands first in backquotes."""
    text = section(page, heading) if heading else (DOCS / page).read_text()
    cells = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return {row[0].strip("` "): [cell.strip("` ") for cell in row[1:]] for row in cells}


def section(page: str, heading: str) -> str:
    """What a page says under a heading."""
    text = re.split(rf"^## {heading}$", (DOCS / page).read_text(), flags=re.MULTILINE)[1]
    return re.split(r"^## ", text, flags=re.MULTILINE)[0]


def default_of(entry: Field) -> str:
    if entry.default_factory is not MISSING:
        return repr(entry.default_factory())
    if isinstance(entry.default, Path):
        return repr(str(entry.default))
    return "" if entry.default is MISSING else repr(entry.default)


def documented_defaults(page: str, heading: str) -> dict[str, str]:
    return {name: cells[0].replace("_", "") for name, cells in rows(page, heading).items()}


def same(defaults: Mapping[str, str]) -> dict[str, str]:
    """1_000 and 1000 are one number to a reader."""
    return {name: value.replace("_", "") for name, value in defaults.items()}


def test_every_setting_is_described_with_its_default():
    expected = {entry.name.upper(): default_of(entry) for entry in fields(loading.Settings)}
    found = documented_defaults("reference/settings.md", "CARVEOUT")
    assert found == same(expected)


def test_every_option_of_a_context_is_described_with_its_default():
    expected = {entry.name: default_of(entry) for entry in fields(loading.Context)}
    del expected["name"]
    assert documented_defaults("reference/settings.md", "CONTEXTS") == same(expected)


def test_every_option_of_subscribe_is_described_with_its_default():
    parameters = inspect.signature(subscription.subscribe).parameters.values()
    expected = {each.name: repr(each.default) for each in parameters if each.name != "types"}
    assert documented_defaults("reference/api.md", "Options of subscribe") == same(expected)


def test_every_variable_of_the_environment_is_described():
    read_in = ("shop/settings.py", "carveout/conf/settings.py", "carveout/carving/survey/cache.py")
    source = "".join((ROOT / each).read_text() for each in read_in)
    read = set(re.findall(r"environ(?:\.get\(|\[)f?\"([A-Z_]+)", source))
    described = {name.split("<")[0] for name in rows("reference/settings.md", "Environment")}
    assert described == read


def test_every_public_name_is_described():
    public = rows("reference/api.md", "import carveout")
    assert sorted(each.split("(")[0] for each in public) == carveout.__dir__()
    members = inspect.getmembers(
        testing, lambda each: getattr(each, "__module__", "") == testing.__name__
    )
    ours = {name for name, _ in members}
    assert {each.split("(")[0] for each in rows("reference/api.md", "carveout.testing")} == ours


def test_every_error_is_described_with_its_fate():
    kinds = {each: kind for each, kind in vars(errors).items() if is_ours(kind)}
    expected = {each: "yes" if kind.retryable else "no" for each, kind in kinds.items()}
    found = {each: cells[0] for each, cells in rows("reference/errors.md", "Errors").items()}
    assert found == expected


def is_ours(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, errors.CarveoutError)


def test_every_check_is_described():
    sources = map(inspect.getsource, (checks, contracts, system_check, announced_tables))
    found = set(re.findall(r"carveout\.[EW]\d{3}", "".join(sources)))
    assert set(rows("reference/errors.md", "Checks")) == found


def test_every_command_is_described_with_its_options():
    text = (DOCS / "reference/commands.md").read_text()
    documented = dict(
        re.findall(r"^### `(\w+).*?\n(.*?)(?=^##|\Z)", text, re.DOTALL | re.MULTILINE)
    )
    expected = {}
    for app, folder in COMMANDS_OF.items():
        for path in (ROOT / folder).glob("[a-z]*.py"):
            expected[path.stem] = own_options(app, path.stem)
    found = {each: set(re.findall(r"`(--[\w-]+)", body)) for each, body in documented.items()}
    assert found == expected


def test_every_kind_that_may_be_asked_for_is_described():
    pages = ("howto/survey.md", "howto/record.md")
    found = {kind: row[0] for page in pages for kind, row in rows(page, "What is found").items()}
    assert found == KINDS


def test_the_survey_explains_its_words_as_its_page_does():
    text = (DOCS / "howto/survey.md").read_text()
    assert [each for each in ON_THE_PAGE.values() if each not in text] == []


def own_options(app: str, command: str) -> set[str]:
    """The options of a command that not every command has."""
    parser = load_command_class(app, command).create_parser("manage.py", command)
    shared = BaseCommand().create_parser("manage.py", command)
    options = set(parser._option_string_actions) - set(shared._option_string_actions)
    return {option for option in options if option.startswith("--")}


def test_every_state_of_a_delivery_is_described():
    assert set(rows("explanation/states.md")) == set(Delivery.State.values)


# -- What the docs refer to --------------------------------------------------------------------

LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
SENTENCE = re.compile(r"[A-Z`\[]|\*\*")
ANCHORED = re.compile(r"\]\(([^)#\s]*)#?([^)\s]*)\)")
TESTS = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
WORDS = "context event log partition position relay stream subscription cursor delivery lookup"


def test_links_and_their_anchors_exist():
    links = [(page, *link) for page in EVERYWHERE for link in ANCHORED.findall(page.read_text())]
    missing = [(name(page), *link) for page, *link in links if not leads_somewhere(page, *link)]
    assert missing == []


def leads_somewhere(page: Path, link: str, anchor: str) -> bool:
    if "://" in link:
        return True
    target = page.parent / link if link else page
    return target.exists() and (not anchor or anchor in anchors(target))


@functools.cache
def anchors(page: Path) -> set[str]:
    """Those of a page's headings, as a forge makes them; `make docs` checks those of the site."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    shown = [re.sub(r"\[(.+?)\]\(.+?\)", r"\1", heading).lower() for heading in headings]
    return {re.sub(r"[^\w -]", "", heading).replace(" ", "-") for heading in shown}


def test_pages_open_with_what_they_are_for():
    """A sentence comes first: no heading, list, table, picture or code."""
    opened = {name(page): page.read_text().split("\n\n")[1] for page in DOCS.rglob("*.md")}
    assert [page for page, text in opened.items() if not SENTENCE.match(text)] == []


def test_named_tests_exist():
    named = {test for page in PAGES for test in re.findall(r"`(test_\w+)`", page.read_text())}
    assert {test for test in named if f"def {test}(" not in TESTS} == set()


def test_named_files_exist():
    folders = "carveout|shop|orders|notifications|reviews|demo|tests"
    pattern = re.compile(rf"`((?:{folders})/[\w/.]*)`")
    named = {path for page in PAGES for path in pattern.findall(page.read_text())}
    assert {path for path in named if not (ROOT / path).exists()} == set()


@pytest.mark.parametrize(
    ("page", "heading", "at_least"),
    [
        ("explanation/guarantees.md", "What is promised", 27),
        ("explanation/faults.md", "Faults", 36),
        ("explanation/faults.md", "Attacks", 8),
    ],
)
def test_every_promise_fault_and_attack_names_a_test(page, heading, at_least):
    lines = [line for line in section(page, heading).splitlines() if line.startswith("| ")]
    told = [line for line in lines if not line.endswith(" | test |")]
    assert len(told) >= at_least, "a row went away"
    assert [line for line in told if "`test_" not in line] == []


def test_every_page_is_reached_from_the_index():
    reached, waiting = set(), [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        links = {(page.parent / link).resolve() for link in LINK.findall(page.read_text())}
        waiting += [each for each in links if each.suffix == ".md" and each not in reached]
    assert [name(page) for page in DOCS.rglob("*.md") if page not in reached] == []


def test_every_word_is_in_the_glossary():
    assert set(WORDS.split()) <= set(rows("glossary.md"))


# -- Messages ----------------------------------------------------------------------------------


OTHERS_MESSAGES = {  # of Django, the databases and msgspec
    "Application labels aren't unique",
    "Unknown command: …",
    "Expected …, got …",
    "database is locked",
    "no such table: carveout_…",
    'relation "carveout_…" does not exist',
    "InvalidEvent",
}
CODE_SPAN = re.compile(r"(`+) ?(.+?) ?\1(?!`)")


def literals(source: str) -> Iterator[str]:
    """The texts in a module's code, joined as Python joins them, with `…` for what is put in."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_every_message_of_the_troubleshooting_page_is_one_of_ours():
    sources = [path.read_text() for path in (ROOT / "carveout").rglob("*.py")]
    ours = "\n".join(text for source in sources for text in literals(source))
    lines = (DOCS / "howto/troubleshooting.md").read_text().splitlines()
    cells = [line.split(" | ")[0] for line in lines if line.startswith("| `")]
    assert len(cells) >= 50
    messages = {text for cell in cells for _, text in CODE_SPAN.findall(cell)}
    unknown = [each for each in messages - OTHERS_MESSAGES if not all_said(each, ours)]
    assert unknown == []


def all_said(message: str, ours: str) -> bool:
    """Everything between what differs, such as names and HTTP's numbers."""
    parts = re.split(r"…|\b\d{3}\b", message)
    return all(part.strip(" .,:") in ours for part in parts)


# -- Versions ----------------------------------------------------------------------------------

MEASURED = ("explanation/performance.md", "explanation/chaos.md", "explanation/faults.md")
MEASURED += ("explanation/survey-accuracy.md", "howto/record.md", "reference/supported.md")
"""Pages that also name versions that something was tried on, or needs."""
VERSION = r"(\d+(?:\.\d+)?)"
NAMED = re.compile(
    rf"(Redis|Valkey|Python|Django|redis-py) {VERSION}(?: LTS)?(?: to {VERSION}| or newer)?"
)


def supported_versions() -> dict[str, tuple[str, str]]:
    """The oldest and the newest of each, as the code and its package say; "" if none is newest."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project, tox = pyproject["project"], pyproject["tool"]["tox"]
    classified = "\n".join(project["classifiers"])
    clients = re.findall(r"redis\[hiredis\]==(\d+)", str(tox["env_run_base"]["deps"]))
    pythons = re.findall(r"Python :: (\d\.\d+)", classified)
    djangos = re.findall(r"Django :: (\d\.\d+)", classified)
    least = {need.distribution: need.least for need in ENGINE}
    assert project["requires-python"] == f">={pythons[0]}"
    assert (least["Django"], least["redis"]) == (djangos[0], f"{clients[0]}.0")
    return {
        "Python": (pythons[0], pythons[-1]),
        "Django": (djangos[0], djangos[-1]),
        "redis-py": (clients[0], clients[-1]),
        **{server: (".".join(map(str, oldest)), "") for server, oldest in redis.OLDEST.items()},
    }


def test_all_pages_and_messages_name_the_same_versions():
    supported = supported_versions()
    pages = [page for page in PAGES if page.name != "CHANGELOG.md"]
    pages = [page for page in pages if not page.match("decisions/*") and not is_measured(page)]
    modules = [
        ROOT / "carveout/redis/refusals.py",
        *(ROOT / "carveout/operations/doctor").glob("*.py"),
    ]
    wrong = [
        f"{name(path)}: {found[0]}"
        for path in pages + modules
        for found in NAMED.finditer(path.read_text())
        if found[2] != supported[found[1]][0]
        or (found[3] or "") not in ("", supported[found[1]][1])
    ]
    assert wrong == []


def is_measured(page: Path) -> bool:
    return any(page == DOCS / each for each in MEASURED)


def test_supported_versions_are_those_of_the_code():
    told = rows_of_text("reference/supported.md", "part")
    for what, (oldest, newest) in supported_versions().items():
        cell = told[
            "client of Redis" if what == "redis-py" else "Redis" if what == "Valkey" else what
        ]
        named = f"{what} {oldest}" if what in ("redis-py", *redis.OLDEST) else oldest
        assert re.match(rf".*\b{re.escape(named)}\b", cell), what
        assert re.search(rf"to {re.escape(newest)}$" if newest else "or newer", cell), what


def rows_of_text(page: str, first: str) -> dict[str, str]:
    """The second cells of the table that begins with this heading, by the first cells."""
    table = (DOCS / page).read_text().partition(f"| {first} |")[2].partition("\n\n")[0]
    cells = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    return {row[0]: row[1] for row in cells}


@pytest.mark.parametrize("page", [ROOT / "README.md", DOCS / "index.md"], ids=name)
def test_the_first_link_is_the_setup_page(page):
    first = LINK.search(page.read_text())
    assert (page.parent / first[1]).resolve() == SETUP


def test_the_readme_stays_on_two_screens():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 96


def test_up_is_named_together_with_its_extra():
    needed = "pip install 'django-carveout[embedded]'"
    for page in (SETUP, DOCS / "reference/commands.md", DOCS / "howto/troubleshooting.md"):
        assert needed in page.read_text(), page
    text = SETUP.read_text()
    assert text.index(needed) < text.index("manage.py up")
