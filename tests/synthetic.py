"""A project of many contexts, written into a folder: for what has to hold at that size."""

import random
from pathlib import Path

AREAS = """
accounts billing carts catalogue claims coupons couriers credit customs delivery discounts feeds
fraud gifts invoices ledger loyalty mailings marketing offers orders partners payments payouts
prices procurement products profiles reports returns reviews search sellers shipping stock
subscriptions suppliers support taxes warehouse
"""
WORDS = ["Opened", "Changed", "Confirmed", "Closed", "Failed"]

SETTINGS = """
import os
from pathlib import Path
import carveout

BASE_DIR = Path(__file__).resolve().parent
SECRET_KEY = "for tests only, and long enough for a key of any algorithm"
DEBUG = True
USE_TZ = True
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "urls"
STATIC_URL = "/static/"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
CARVEOUT = {
    "REDIS_URL": os.environ.get("REDIS_URL", "redis://127.0.0.1:1/0"),
    "CONTEXTS": {name: {"apps": [name]} for name in %(contexts)r},
}
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "carveout",
    *carveout.hosted_apps(CARVEOUT),
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
"""
URLS = """
from django.contrib import admin
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls)]
"""
MANAGE = """
import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
execute_from_command_line(sys.argv)
"""
EVENT = """

class {name}(carveout.Event, key="number"):
    \"\"\"Something in {context} was {word}.\"\"\"

    number: str
"""
READER = """

class {name}(carveout.Lookup, of="{owner}.thing"):
    number: str
"""
LOOKUPS = """
from django.contrib.auth.models import Group
from django.db.models import F
from rest_framework import serializers

import carveout


class ThingSerializer(serializers.Serializer):
    number = serializers.CharField()


@carveout.lookup("thing", key="number")
class Thing(carveout.LookupViewSet):
    queryset = Group.objects.annotate(number=F("name"))
    serializer_class = ThingSerializer
"""
SUBSCRIBER = """

@carveout.subscribe("{type}")
def {name}(event{parameter}): ...
"""


def types_of(context: str, count: int) -> list[str]:
    return [f"{context.rstrip('s').title()}{word}" for word in WORDS][:count]


def write(folder: Path, *, contexts: int = 40, events: int = 200, subscriptions: int = 600) -> Path:
    """Each context hears a few others, as in a system that grew; the same at each call."""
    chosen, names = random.Random(7), AREAS.split()[:contexts]
    each = events // contexts
    for path, text in (("settings.py", SETTINGS % {"contexts": names}), ("urls.py", URLS)):
        (folder / path).write_text(text)
    (folder / "manage.py").write_text(MANAGE)
    for number, context in enumerate(names):
        app = folder / context
        app.mkdir()
        (app / "__init__.py").write_text("")
        announced = [
            EVENT.format(name=name, context=context, word=name) for name in types_of(context, each)
        ]
        (app / "events.py").write_text("import carveout\n" + "".join(announced))
        # Mostly of its neighbours, and now and then of anybody: but nobody looks up later ones.
        others = [names[(number + step) % contexts] for step in (-2, -1, 1)]
        others.append(chosen.choice([name for name in names if name not in (context, *others)]))
        owner = names[number - 1] if number % 3 else ""
        reader = READER.format(name="Known", owner=owner) if owner else ""
        (app / "lookups.py").write_text(LOOKUPS + reader)
        heard = [f"{other}.{name}" for other in others for name in types_of(other, each)]
        heard = sorted(chosen.sample(heard, subscriptions // contexts))
        (app / "subscribers.py").write_text(_subscribers(context, heard, owner))
    return folder


def _subscribers(context: str, heard: list[str], owner: str) -> str:
    """The first of them looks something up, if the context looks up anything."""
    text = "import carveout\n" + (f"from {context}.lookups import Known\n" if owner else "")
    for number, type_name in enumerate(heard):
        name = f"on_{type_name.replace('.', '_')}"
        parameter = ", thing: Known" if owner and number == 0 else ""
        text += SUBSCRIBER.format(type=type_name, name=name, parameter=parameter)
    return text
