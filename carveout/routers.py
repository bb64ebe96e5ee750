"""The database router: each context's database has its tables and Carveout's."""

from typing import Any

from django.db.models import Model

from carveout.conf import database_of_app, get_settings


class ContextRouter:
    """Routes the models of a context's apps to the context's database.

    Carveout's own are in every hosted context's database, and are always used with `using`.
    """

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        return database_of_app(model._meta.app_label)

    def db_for_write(self, model: type[Model], **hints: Any) -> str | None:
        return database_of_app(model._meta.app_label)

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        settings = get_settings()
        if app_label == "carveout":
            return db in settings.hosted_databases
        database = database_of_app(app_label)
        if database is None:  # in no context: anywhere but in the contexts' databases
            theirs = {context.database for context in settings.contexts.values()} - {"default"}
            return False if db in theirs else None
        return db == database
