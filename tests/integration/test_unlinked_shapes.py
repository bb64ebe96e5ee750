"""Each shape of a relation: as an id with the same column, data and index, or why it can't be.

Slow: `.ci/run` runs it. `test_unlinking` takes one shape all the way in `make test`.
"""

import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.test_unlinking import Shop, url_of

pytestmark = pytest.mark.slow
SETTINGS = """
import os
import dj_database_url

SECRET_KEY = "x"
ROOT_URLCONF = "urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "goods.Person"
APPS = [{apps}]
INSTALLED_APPS = [
    "django.contrib.contenttypes", "django.contrib.auth", "goods", *APPS, "carveout"
]
DATABASES = {{"default": dj_database_url.parse(os.environ["DATABASE_URL"])}}
CARVEOUT = {{
    "CONTEXTS": {{"goods": {{"apps": ["goods"]}}, **{{each: {{"apps": [each]}} for each in APPS}}}},
    "REDIS_URL": os.environ["REDIS_URL"],
}}
"""
GOODS = """
import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models


class Item(models.Model):
    slug = models.SlugField(max_length=40, unique=True)


class Coded(models.Model):
    code = models.CharField(max_length=12, primary_key=True)


class Numbered(models.Model):
    number = models.PositiveIntegerField(primary_key=True)


class Unique(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)


class Person(AbstractUser):
    pass
"""
HEAD = """
from django.conf import settings
from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import ForeignKey

from goods.models import Coded, Item, Numbered, Unique


def nobody():
    return None


def cascade_too(collector, field, sub_objs, using):
    models.CASCADE(collector, field, sub_objs, using)


class OwnKey(models.ForeignKey):
    pass

"""
BECOMES = {
    "cascade": "item = models.ForeignKey(Item, on_delete=models.CASCADE)",
    "restrict": "item = models.ForeignKey(Item, models.RESTRICT)",
    "nullable": 'item = models.ForeignKey("goods.Item", models.SET_NULL, null=True, blank=True)',
    "default": "item = models.ForeignKey(Item, models.SET_DEFAULT, default=1)",
    "to_field": 'item = models.ForeignKey(Item, models.PROTECT, to_field="slug")',
    "unique": "item = models.ForeignKey(Item, models.PROTECT, unique=True)",
    "one": 'item = models.OneToOneField(Item, models.PROTECT, related_name="the_one")',
    "no_index": "item = models.ForeignKey(Item, models.PROTECT, db_index=False)",
    "column": 'item = models.ForeignKey(Item, models.PROTECT, db_column="what")',
    "no_constraint": "item = models.ForeignKey(Item, models.DO_NOTHING, db_constraint=False)",
    "named": 'item: "object" = ForeignKey(\n    Item, models.PROTECT, related_name="+",'
    ' related_query_name="x", verbose_name="the item",  # kept\n)',
    "text_key": "item = models.ForeignKey(Coded, models.PROTECT)",
    "number_key": "item = models.ForeignKey(Numbered, models.PROTECT)",
    "uuid_key": "item = models.ForeignKey(Unique, models.PROTECT)",
    "user": "item = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)",
    "long": """
        item = models.ForeignKey(
            Item, on_delete=models.PROTECT, verbose_name="the thing that this row is about",
            help_text="A sentence that says so much that no line can hold all of it.",
        )
    """,
    "history": 'item = models.ForeignKey(Item, models.PROTECT, related_name="old_rows")',
    "limited": 'item = models.ForeignKey(Item, models.PROTECT, limit_choices_to={"slug": "a"})',
    "options": """
        item = models.ForeignKey(Item, models.CASCADE, null=True)
        other = models.IntegerField(default=0)
        word = models.CharField(max_length=9, default="item")

        class Meta:
            ordering = ["-item", "other"]
            get_latest_by = "item"
            unique_together = [("item", "other")]
            indexes = [models.Index(fields=["other", "item"], name="options_item")]
            constraints = [
                models.UniqueConstraint(fields=["item"], name="item", condition=models.Q(other=1)),
                models.UniqueConstraint(
                    fields=["word"], name="value", condition=models.Q(word=models.Value("item"))
                ),
                models.UniqueConstraint(models.F("item"), models.F("word"), name="expressions"),
                models.CheckConstraint(
                    condition=models.Q(item__isnull=False) | ~models.Q(other=2), name="checked"
                ),
            ]
    """,
}
AFTER = {
    "history": """

def history_of(model):
    fields = {}
    for each in model._meta.local_fields[1:]:
        key = {"db_constraint": False, "related_name": "+"}
        fields[each.name] = (
            models.ForeignKey(each.remote_field.model, models.DO_NOTHING, **key)
            if each.is_relation
            else each.clone()
        )
    return type("HistoricalRow", (models.Model,), {"__module__": model.__module__, **fields})


Row.history = type("Holder", (), {"model": history_of(Row)})
""",
}
"""What packages do: they make a model of the model."""
SERVICES = """
from django.db.models import Exists, OuterRef
from goods.models import Item
from history.models import Row


def make(item: Item) -> Row:
    return Row.objects.create(item=item)


def keys(row: Row) -> list:
    return [row.item.pk, row.item.id, row.item_id]


def those(item: Item):
    return Row.objects.filter(item=item, item__isnull=False).exclude(item=None)


def built(item: Item) -> Row:
    row = Row(  # kept
        item=item,
    )
    return row


def half(item: Item):
    return Row.objects.filter(item=item, item__slug="a")


def left(row: Row, value):
    return row.item.slug, Row.objects.filter(item=value), Row.objects.get(item__slug="a")


def joined(item: Item):
    return Row.objects.select_related("item"), item.old_rows.count()


def inside():
    return Item.objects.filter(Exists(Row.objects.filter(item=OuterRef("pk"))))
"""
"""Code that uses the relation of the app `history`."""
CHANGED = {
    "create(item=item)": "create(item_id=item.pk)",
    "row.item.pk, row.item.id, row.item_id": "row.item_id, row.item_id, row.item_id",
    "filter(item=item, item__isnull=False)": "filter(item_id=item.pk, item_id__isnull=False)",
    'filter(item=item, item__slug="a")': 'filter(item_id=item.pk, item__slug="a")',
    "exclude(item=None)": "exclude(item_id=None)",
    "        item=item,": "        item_id=item.pk,",
}
LISTED = (
    *("row.item.slug  →  item_id; slug by a lookup of goods", "item__slug  →  DECIDE: drop it"),
    *("Row.objects.filter(item=…)  →  item_id=….pk", "item  →  drop it"),
    "item.old_rows.count  →  a lookup of history",
)
REFUSED = {
    "itself": ('item = models.ForeignKey("self", models.CASCADE)', "needs no cut"),
    "hidden_table": ("item = models.ManyToManyField(Item)", "has a hidden table. Fix: give it"),
    "generic": (
        "kind = models.ForeignKey(ContentType, models.CASCADE)\nnumber = models.IntegerField()\n"
        'item = GenericForeignKey("kind", "number")',
        "leads to models of any context",
    ),
    "key": (
        "item = models.OneToOneField(Item, models.CASCADE, primary_key=True)",
        "is the primary key",
    ),
    "own_class": ("item = OwnKey(Item, models.CASCADE)", "is a OwnKey, whose arguments are not"),
    "protected": ("item = models.ForeignKey(Item, models.PROTECT)", "pass --deleted keep"),
    "calling": ("item = models.ForeignKey(Item, models.SET(nobody), null=True)", "may do anything"),
    "own_deletion": ("item = models.ForeignKey(Item, cascade_too)", "=cascade_too may do anything"),
    "ordered": (
        "item = models.ForeignKey(Item, models.CASCADE)\n\nclass Meta:\n"
        '    order_with_respect_to = "item"',
        "is ordered with respect to item",
    ),
    "over": (
        "item = models.ForeignKey(Item, models.CASCADE)\n\n"
        'class Meta:\n    ordering = ["item__slug"]',
        "reaches the other row with 'item__slug'",
    ),
}
OTHERS = {
    "inherited": (
        "class Base(models.Model):\n    item = models.ForeignKey(Item, models.CASCADE)\n\n"
        "    class Meta:\n        abstract = True\n\n\nclass Row(Base):\n    pass\n",
        "is inherited from inherited.models.Base",
    ),
    "parent": (
        "class Row(Item):\n"
        "    item = models.OneToOneField(Item, models.CASCADE, parent_link=True)\n",
        "makes each row of Row a row of Item too",
    ),
    "through": (
        "class Group(models.Model):\n"
        '    items = models.ManyToManyField(Item, through="Row")\n\n\n'
        "class Row(models.Model):\n    item = models.ForeignKey(Item, models.CASCADE)\n"
        "    group = models.ForeignKey(Group, models.CASCADE)\n",
        "through.Group.items goes through through.Row.item",
    ),
}
FILL = """
from django.apps import apps
from goods.models import *
Item.objects.create(id=1, slug="a"), Item.objects.create(id=2, slug="b")
Coded.objects.create(code="a"), Numbered.objects.create(number=7), Unique.objects.create()
Person.objects.create(username="a")
for label in {labels}:
    model = apps.get_model(label, "Row")
    target = model._meta.get_field("item").related_model.objects.first()
    model.objects.create(item=target)
"""
SEEN = """
from django.apps import apps
from django.db import connection
for label in {labels}:
    table = f"{{label}}_row"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {{table}}")
        names = [each[0] for each in cursor.description]
        rows = [sorted(zip(names, map(str, row))) for row in cursor]
        columns = connection.introspection.get_table_description(cursor, table)
        found = connection.introspection.get_constraints(cursor, table).values()
    types = sorted((each.name, str(each.type_code), each.null_ok) for each in columns)
    kept = sorted(
        (each["columns"], each["unique"], bool(each["index"]))
        for each in found
        if each["columns"] and not each["foreign_key"] and not each["check"]
    )
    keys = [each["columns"] for each in found if each["foreign_key"]]
    print(label, rows, types, kept)
    print(label, "is a key by", keys)
"""


OLD = """
from pathlib import Path
written = "'unique_together': {('item', 'other')}"
paths = [each for each in Path("options/migrations").glob("0*.py") if written in each.read_text()]
for each in paths:
    each.write_text(each.read_text().replace(written, "'unique_together': [['item', 'other']]"))
print(len(paths))
"""
"""Migrations of old versions of Django have lists."""


def app(folder: Path, name: str, models: str) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").touch()
    (folder / name / "models.py").write_text(models)


def row(body: str) -> str:
    inside = textwrap.indent(textwrap.dedent(body).strip(), "    ")
    return f"class Row(models.Model):\n{inside}\n"


ALIKE = {"restrict", "default", "no_constraint", "named", "long", "limited", "history"}
"""Shapes that differ in code only: one kind of database is enough."""


class Project(Shop):
    @property
    def becomes(self) -> list[str]:
        on_sqlite = self.env["DATABASE_URL"].startswith("sqlite")
        return [each for each in BECOMES if on_sqlite or each not in ALIKE]

    @property
    def refused(self) -> dict[str, str]:
        if not self.env["DATABASE_URL"].startswith("sqlite"):
            return {}
        return {name: why for name, (_, why) in {**REFUSED, **OTHERS}.items()}

    def migration_before_last(self, app: str) -> str:
        return sorted((self.folder / app / "migrations").glob("0*.py"))[-2].stem


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with url_of(request, tmp_path) as url:
        yield url


@pytest.fixture
def project(tmp_path: Path, database_url: str, redis_url: str) -> Iterator[Project]:
    folder = tmp_path / "project"
    bodies = {**BECOMES, **{name: body for name, (body, _) in REFUSED.items()}}
    app(folder, "goods", GOODS)
    for name, body in bodies.items():
        app(folder, name, HEAD + row(body) + AFTER.get(name, ""))
    for name, (text, _) in OTHERS.items():
        app(folder, name, HEAD + text)
    apps = ", ".join(map(repr, (*bodies, *OTHERS)))
    (folder / "settings.py").write_text(SETTINGS.format(apps=apps))
    (folder / "history/services.py").write_text(SERVICES)
    (folder / "urls.py").write_text("urlpatterns = []\n")
    (folder / "manage.py").touch()
    yield Project(
        folder,
        {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "DJANGO_SETTINGS_MODULE": "settings",
        },
    )


def test_each_shape_becomes_an_id_or_is_refused_with_a_reason(project):
    becomes, refused = project.becomes, project.refused
    names = " ".join((*BECOMES, *REFUSED, *OTHERS))
    fill, seen = (text.format(labels=becomes) for text in (FILL, SEEN))
    decided = {name: " --deleted keep" for name in refused if name == "over"}
    _, old, _, _, before = project.run(
        *(f"makemigrations -v 0 goods {names}", OLD, "migrate -v 0", fill, seen)
    )
    assert old == "1\n"
    answers = project.run(
        *(f"unlink {name}.Row.item --deleted keep --write" for name in becomes),
        *(f"unlink {name}.Row.item --write{decided.get(name, '')}" for name in refused),
    )
    for (name, why), answer in zip(refused.items(), answers[len(becomes) :], strict=True):
        assert why in answer, (name, answer)
        assert "Written:" not in answer
    for name, answer in zip(becomes, answers, strict=False):
        assert "Written:" in answer, (name, answer)
    if "history" in becomes:
        expected = SERVICES
        for old, new in CHANGED.items():
            assert old in expected
            expected = expected.replace(old, new)
        assert (project.folder / "history/services.py").read_text() == expected
        shown = answers[becomes.index("history")]
        assert [each for each in LISTED if each not in shown] == [], shown
    made, _, after, *_, back, _, forth = project.run(
        "makemigrations --check --dry-run",
        *("migrate -v 0", seen),
        *(f"migrate -v 0 {name} {project.migration_before_last(name)}" for name in becomes),
        *(seen, "migrate -v 0", seen),
    )
    assert made == "No changes detected\n"
    assert back.splitlines() == before.splitlines()
    assert forth == after
    for then, now in zip(before.splitlines(), after.splitlines(), strict=True):
        assert now == (then if "is a key by" not in then else f"{then.split()[0]} is a key by []")
