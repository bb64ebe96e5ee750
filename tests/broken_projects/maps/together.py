"""The settings of a planted map: two contexts in one deployment. Nothing is wrong here."""

import os

import carveout

SECRET_KEY = "of no use"
USE_TZ = True
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("DATABASE_OF_MAP", ":memory:"),
    }
}
CARVEOUT = {
    "REDIS_URL": os.environ.get("REDIS_OF_MAP", "redis://127.0.0.1:1/0"),
    "CONTEXTS": {
        "desk": {"apps": ["desk"], "url": "http://desk"},
        "depot": {"apps": ["depot"], "url": "http://depot"},
    },
}
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "carveout",
    *carveout.hosted_apps(CARVEOUT),
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
