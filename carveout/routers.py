"""The database router: each context's database has its tables and Carveout's."""

import sys
from typing import Any

from django.db.models import Model

from carveout.conf import database_of_app, get_settings
from carveout.errors import SettingsInvalid


class ContextRouter:
    """Routes the models of a context's apps to the context's database.

    Carveout's own are in every hosted context's database, and are always used with `using`.
    """

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        return database_of_app(model._meta.app_label)

    def db_for_write(self, model: type[Model], **hints: Any) -> str | None:
        return database_of_app(model._meta.app_label)

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        try:
            settings = get_settings()
        except SettingsInvalid:
            if sys.argv[1:2] == ["check"]:
                return None  # Django's checks of databases ask; ours report what is invalid
            raise
        if app_label == "carveout":
            return db in settings.hosted_databases
        database = database_of_app(app_label)
        if database is None:  # in no context: anywhere but in the contexts' databases
            theirs = {context.database for context in settings.contexts.values()} - {"default"}
            return False if db in theirs else None
        return db == database
