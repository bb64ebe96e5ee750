"""A till that sells and a ledger that books, in one process and one database."""

import os

import dj_database_url

SECRET_KEY = "for these tests only"
ROOT_URLCONF = "urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["till", "ledger", "carveout", "django_rq"]
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}
if "sqlite" in DATABASES["default"]["ENGINE"]:
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 60,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF",
    }
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
CARVEOUT = {
    "CONTEXTS": {"till": {"apps": ["till"]}, "ledger": {"apps": ["ledger"]}},
    "REDIS_URL": os.environ["REDIS_URL"],
    "DELIVERY": os.environ.get("DELIVERY", "streams"),
}
RQ_QUEUES = {"labels": {"URL": os.environ["REDIS_URL"]}}
