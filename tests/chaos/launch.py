"""How commands of the project that chaos happens to are started."""

import os
from collections.abc import Mapping
from pathlib import Path

from tests.nursery import Nursery

PROJECT = Path(__file__).with_name("project")
ROOT = PROJECT.parents[2]


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """What a command of the project needs in its environment."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{PROJECT}:{ROOT}",
        "DJANGO_SETTINGS_MODULE": "settings",
        **env,
    }


def nursery(env: Mapping[str, str]) -> Nursery:
    """It has the project loaded: thousands of kills fit into an evening."""
    return Nursery(PROJECT, environment(env))
