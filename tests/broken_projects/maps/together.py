"""The settings of a planted map: two contexts in one deployment. Nothing is wrong here."""

import carveout

SECRET_KEY = "of no use"
USE_TZ = True
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
CARVEOUT = {
    "REDIS_URL": "redis://127.0.0.1:1/0",
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
