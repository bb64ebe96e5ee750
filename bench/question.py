"""Asking: each question gets a process, a database and an empty Redis of its own."""

from pathlib import Path
from typing import Any

from bench import servers
from bench.goals import ENVIRONMENT, SETTINGS
from bench.side import Side
from tests.servers import free_port


def ask(
    question: str, function: str, *arguments: Any, urls: tuple[str, str], folder: Path
) -> dict[str, Any]:
    """What a function of the module `question` of `bench.questions` answers.

    Raises: SideFailed: it did not; why is in the message.
    """
    postgres_url, redis_url = urls
    sqlite = question.endswith("_sqlite")
    database = f"sqlite:///{folder}/db.sqlite3" if sqlite else servers.new_database(postgres_url)
    servers.empty_redis(redis_url)
    env = {
        "DATABASE_URL": database,
        "REDIS_URL": f"{redis_url.rpartition('/')[0]}/0",
        "CARVEOUT_DIR": str(folder),
        "FREE_PORT": str(free_port()),
        **ENVIRONMENT.get(question, {}),
    }
    module = f"bench.questions.{question.removesuffix('_sqlite')}"
    try:
        with Side(module, SETTINGS.get(question, "bench.project.settings"), env) as side:
            answers: dict[str, Any] = side.call(function, *arguments)
    finally:
        if not sqlite:
            servers.drop_database(database)
    return answers
