"""Nautobot's own settings, and what a site has to add."""

from nautobot.core.settings import *  # noqa: F403

SECRET_KEY = "for these tests only, and long enough for a key"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
