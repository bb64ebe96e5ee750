"""Its own settings, but on the PostgreSQL of the run."""

import os

import dj_database_url

from config.settings import *  # noqa: F403 (Django's settings are module globals)

DATABASES = {
    "default": {
        **dj_database_url.parse(os.environ["TANGLED_DATABASE_URL"], conn_max_age=None),
        "ATOMIC_REQUESTS": True,
    }
}
