"""Settings of a peer: the same tables as in `bench/project`, and what PEER itself needs."""

import os

import dj_database_url

APPS = {
    "naive": ["inbox"],
    "procrastinate": ["procrastinate.contrib.django"],
    "outbox": ["django_outbox_pattern"],
    "edx": ["openedx_events", "edx_event_bus_redis"],
}

SECRET_KEY = "for measurements only, and nothing is secret there"  # noqa: S105
USE_TZ, TIME_ZONE = True, "UTC"
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"], conn_max_age=None)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["source", "single", *APPS.get(os.environ["PEER"], [])]
REDIS_URL = os.environ["REDIS_URL"]

EVENT_BUS_REDIS_CONNECTION_URL = REDIS_URL
DJANGO_OUTBOX_PATTERN = {
    "DEFAULT_STOMP_HOST_AND_PORTS": [("127.0.0.1", int(os.environ.get("FREE_PORT", "61613")))],
    "DEFAULT_PRODUCER_WAITING_TIME": 0,
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": "ERROR"},
}
