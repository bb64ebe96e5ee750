"""Settings of the small project. The environment says where its servers are, and a few sizes."""

import os

import dj_database_url

import carveout


def database(url: str) -> dict:
    config = dj_database_url.parse(url, conn_max_age=None)
    if config["ENGINE"].endswith("sqlite3"):
        config["OPTIONS"] = {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        }
    return config


SECRET_KEY = "for measurements only, and nothing is secret there"  # noqa: S105
USE_TZ, TIME_ZONE = True, "UTC"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "bench.project.urls"
DATABASES = {"default": database(os.environ["DATABASE_URL"])}
DATABASE_ROUTERS = ["carveout.routers.ContextRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CARVEOUT = {
    "REDIS_URL": os.environ["REDIS_URL"],
    "STATE_DIR": os.environ["CARVEOUT_DIR"],
    "CONTEXTS": {
        "source": {
            "apps": ["source"],
            "partitions": int(os.environ.get("PARTITIONS", "1")),
            "url": f"http://127.0.0.1:{os.environ.get('FREE_PORT', '8000')}/internal",
        },
        "single": {"apps": ["single"]},
        "bulk": {"apps": ["bulk"]},
        "asking": {"apps": ["asking"]},
        "four": {"apps": ["four"]},
        "sixteen": {"apps": ["sixteen"]},
    },
    "LOOKUPS": os.environ.get("LOOKUPS", "auto"),
    "BLOCK_MS": int(os.environ.get("BLOCK_MS", "1000")),
    "LEASE_MS": int(os.environ.get("LEASE_MS", "10000")),
    "STREAM_LENGTH": int(os.environ.get("STREAM_LENGTH", "100000")),
}
RQ_QUEUES = carveout.rq_queues(CARVEOUT)
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "rest_framework",
    "django_rq",
    "carveout",
    *carveout.hosted_apps(CARVEOUT),
]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": "ERROR"},
    "loggers": {"django.server": {"level": "ERROR"}},
}
