"""A market in one piece. Lines that couple two apps end with C, those that only look so with decoy."""

import sys
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
sys.path.append(str(BASE_DIR / "site-packages"))  # where others' code lies
SECRET_KEY = "for these tests only, and long enough for a key"
USE_TZ = True
ROOT_URLCONF = "market.urls"  # decoy
AUTH_USER_MODEL = "accounts.Person"  # C
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "core",
    "accounts",
    "catalogue",  # decoy
    "suppliers",
    "orders.apps.OrdersConfig",  # decoy
    "reviews",
    "parcels.apps.ParcelsConfig",
    "reports",
    "stock.apps.StockConfig",
    "framework.blog",
]
MIGRATION_MODULES = {"blog": "core.of_blog", "orders": "orders.migrations"}  # C: the framework's
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "accounts.middleware.SeenMiddleware",  # C
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "orders.context_processors.basket",  # C
            ],
            "builtins": ["suppliers.templatetags.flags"],  # C
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",
        "ATOMIC_REQUESTS": True,  # danger
    }
}
LOGIN_URL = "orders:list"  # C
LOGGING = {"version": 1, "loggers": {"orders.services": {}}}  # decoy
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
FIXTURE_DIRS = [BASE_DIR / "market" / "rows"]
CELERY_BEAT_SCHEDULE = {"late": {"task": "orders.late", "schedule": 60}}  # C
CELERY_TASK_ROUTES = {"suppliers.tasks.*": {"queue": "slow"}, "suppliers.gone.*": {}}  # C
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", "accounts.backends.ByPhone"]  # C
REST_FRAMEWORK = {"DEFAULT_FILTER_BACKENDS": ["reports.filters.Late"]}  # C
REPORTED = ["bundle__name"]  # decoy: told where a query is given it
