"""Three contexts on two databases. Everything is short, so that there is more of it in a minute.

The environment says where: DATABASE_URL (of the ledger), DATABASE_URL_AUDIT, REDIS_URL.
"""

import os

import dj_database_url

import carveout


def database(url: str) -> dict:
    config = dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True)
    if config["ENGINE"].endswith("sqlite3"):
        config["OPTIONS"] = {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        }
    else:
        config["DISABLE_SERVER_SIDE_CURSORS"] = True  # as PgBouncer asks for
    return config


SECRET_KEY = "for chaos only, and nothing is secret there"
USE_TZ, TIME_ZONE = True, "UTC"
DATABASES = {
    "default": database(os.environ["DATABASE_URL"]),
    "audit": database(os.environ["DATABASE_URL_AUDIT"]),
}
AUDIT_DATABASE = "audit"
if os.environ["DATABASE_URL_AUDIT"] == os.environ["DATABASE_URL"]:
    AUDIT_DATABASE = "default"
    del DATABASES["audit"]
DATABASE_ROUTERS = ["carveout.routers.ContextRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

KINDS = os.environ.get("KINDS", "").split()
CARDS = {"cards": {"apps": ["cards"], "partitions": 2}} if "copies" in KINDS else {}
CARVEOUT = {
    "REDIS_URL": os.environ["REDIS_URL"],
    "JOBS_REDIS_URL": os.environ.get("JOBS_REDIS_URL", ""),
    "STATE_DIR": os.environ["CARVEOUT_DIR"],
    "CONTEXTS": {
        "ledger": {"apps": ["ledger"], "partitions": int(os.environ.get("PARTITIONS", "4"))},
        "audit": {"apps": ["audit"], "database": AUDIT_DATABASE},
        "tally": {"apps": ["tally"], "database": AUDIT_DATABASE},
        **CARDS,
    },
    "BATCH_ROWS": int(os.environ.get("BATCH_ROWS", "100")),
    "STREAM_LENGTH": int(os.environ.get("STREAM_LENGTH", "1000")),
    "BLOCK_MS": int(os.environ.get("BLOCK_MS", "500")),
    "LEASE_MS": int(os.environ.get("LEASE_MS", "2000")),
    "JOB_TIMEOUT_S": 2,
    "RETRY_BASE_S": 0.1,
    "RETRY_CAP_S": 2.0,
}
RQ_QUEUES = carveout.rq_queues(CARVEOUT)
INSTALLED_APPS = ["django_rq", "carveout", *carveout.hosted_apps(CARVEOUT)]
SEED = os.environ.get("SEED", "")
BACKLOG = int(os.environ.get("BACKLOG", "0"))
RELEASE = int(os.environ.get("RELEASE", "2"))
CARVEOUT_BROKEN = os.environ.get("CARVEOUT_BROKEN", "")
ACCOUNTS = int(os.environ.get("ACCOUNTS", "200"))
CLOSING_SHARE = float(os.environ.get("CLOSING_SHARE", "0.04"))
BATCH_S = float(os.environ.get("BATCH_S", "0"))
EACH_S = float(os.environ.get("EACH_S", "0"))
JOB_S = float(os.environ.get("JOB_S", "0"))
FAIL_SHARE = float(os.environ.get("FAIL_SHARE", "0.002"))

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "timed": {"format": "{asctime} {process} {levelname} {name}: {message}", "style": "{"}
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "timed"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"rq.worker": {"level": "WARNING"}},
}
