"""The settings of the tests: a database in memory, passwords that are quick to make.

An order's messages have arrived when the call that publishes returns.
"""

from config.settings import *  # noqa: F403

DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
CARVEOUT = {**CARVEOUT, "DELIVERY": "eager"}  # noqa: F405
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
