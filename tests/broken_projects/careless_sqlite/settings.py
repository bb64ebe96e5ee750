"""SQLite that may forget a committed order whose event went out."""

from sound import *  # noqa: F403
from sound import DATABASES

OPTIONS = {"init_command": "PRAGMA synchronous=NORMAL;"}
DATABASES = {"default": {**DATABASES["default"], "OPTIONS": OPTIONS}}
