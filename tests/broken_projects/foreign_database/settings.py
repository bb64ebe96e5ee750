"""A database that the log can't be in."""

from sound import *  # noqa: F403

DATABASES = {"default": {"ENGINE": "marine", "NAME": ":memory:"}}
