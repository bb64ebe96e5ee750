"""The database router: each context's tables, and our own beside them, live in its database."""

from typing import Any

from django.db.models import Model

from carveout.conf import database_of_app, get_settings


class ContextRouter:
    """Sends the models of a context's apps to the context's database.

    Ours are in every database that a hosted context uses, and are always asked for by database.
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
        if database is None:  # of no context: it may be anywhere but among the contexts' tables
            theirs = {context.database for context in settings.contexts.values()} - {"default"}
            return False if db in theirs else None
        return db == database
