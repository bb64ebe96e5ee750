"""Databases of the project that chaos happens to, made once."""

from collections.abc import Iterator

import pytest

from tests.chaos.stores import Templates
from tests.servers import PostgresForTests


@pytest.fixture(scope="session")
def mortal() -> Iterator[PostgresForTests]:
    """A server that may crash: what was committed is there afterwards."""
    server = PostgresForTests(durable=True)
    yield server
    server.close()


@pytest.fixture(scope="session")
def templates(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Templates:
    folder = tmp_path_factory.mktemp("templates")
    return Templates(folder, lambda: request.getfixturevalue("mortal"))
