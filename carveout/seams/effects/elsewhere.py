"""Notes what is written to other databases than the one whose rows are recorded."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db import connections

from carveout.seams.effects.effects import Outside

_READS = re.compile(
    r"\s*(?:/\*.*?\*/\s*)*(?:SELECT|SHOW|EXPLAIN|SAVEPOINT|RELEASE|ROLLBACK|SET)\b",
    re.IGNORECASE | re.DOTALL,
)


@contextmanager
def noted(database: str, into: Outside) -> Iterator[None]:
    """Inside the block, what is written to any other database can't be recorded, and is noted."""
    with ExitStack() as stack:
        for alias in connections:
            if alias != database:
                stack.enter_context(connections[alias].execute_wrapper(_noting(alias, into)))
        yield


def _noting(alias: str, into: Outside) -> Callable[..., Any]:
    def note(execute: Callable[..., Any], sql: Any, *rest: Any) -> Any:
        if not _READS.match(str(sql)):
            into.unrecordable.append(f"wrote to the database {alias!r}")
        return execute(sql, *rest)

    return note
