"""NetBox's own configuration for tests, with the servers of ours."""

import os

from django.contrib.postgres.operations import CreateCollation
from netbox.configuration_testing import *  # noqa: F403

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "postgres",
        "HOST": os.environ.get("POSTGRES_HOST", ""),
    }
}
_REDIS = {"HOST": "127.0.0.1", "PORT": int(os.environ.get("REDIS_PORT", "6379"))}
REDIS = {"tasks": {**_REDIS, "DATABASE": 0}, "caching": {**_REDIS, "DATABASE": 1}}


def _plain_collation(self, schema_editor):
    """NetBox sorts names by a collation of ICU, which our PostgreSQL is built without."""
    name = schema_editor.quote_name(self.name)
    schema_editor.execute(f"CREATE COLLATION {name} (provider=libc, locale='C')")


CreateCollation.create_collation = _plain_collation
