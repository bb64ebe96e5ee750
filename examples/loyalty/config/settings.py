"""A deployment of one context, which shares Redis and the secret key with the shop."""

import os

SECRET_KEY = os.environ["SECRET_KEY"]
INSTALLED_APPS = ["rest_framework", "carveout", "loyalty"]
ROOT_URLCONF = "config.urls"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["DATABASE"],
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

CARVEOUT = {
    "REDIS_URL": os.environ["REDIS_URL"],
    "CONTEXTS": {
        "loyalty": {"apps": ["loyalty"]},
        "orders": {"apps": ["orders"], "url": os.environ["URL_ORDERS"]},
    },
    "HOSTED": ["loyalty"],
}
