"""Finds the model of each table."""

from collections.abc import Iterable

from django.apps import apps as registry
from django.db.models import Model


class Tables:
    """Models by table name as in statements: in lower case, without a schema."""

    def __init__(self) -> None:
        self._models: dict[str, type[Model]] = {}
        for model in registry.get_models(include_auto_created=True, include_swapped=True):
            if not model._meta.proxy and not model._meta.swapped:
                self._models.setdefault(name_of(model._meta.db_table), model)

    def model(self, table: str) -> type[Model]:
        return self._models[table]

    def app(self, table: str) -> str:
        return self._models[table]._meta.app_label

    def among(self, words: Iterable[str]) -> set[str]:
        """The words that are tables of models."""
        return self._models.keys() & words

    def apps(self, tables: Iterable[str]) -> set[str]:
        return {self.app(table) for table in tables}

    def __contains__(self, table: str) -> bool:
        return table in self._models


def name_of(db_table: str) -> str:
    """A table's name without a schema, even if the schema is part of it through quotes."""
    return db_table.strip('"').rpartition('"."')[2].rpartition(".")[2].lower()
