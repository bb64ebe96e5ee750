"""Several objects of a lookup, for code that was written for the rows of a relation."""

from typing import Self, TypeVar

Item = TypeVar("Item")


class RowList(list[Item]):
    """A list that also answers to `all()`, as the manager of a relation does."""

    def all(self) -> Self:
        return self
