"""Decides which files are tests. All tools use this one rule.

It uses names only: folders such as `tests`, and the names that pytest, Django's runner and custom
use for modules of tests, fixtures and factories. See docs/decisions/tests-apart.md.
"""

import re

FOLDERS = re.compile(
    r"tests?|\w+_tests|tests_\w+|(unit|integration|functional|e2e)tests?"
    r"|test_?(apps?|cases?|data|helpers?|proj|project|settings|site|suite|support|utils?)"
)
"""Test folders wherever they are; an app in one is a test app."""
HELPERS = {"factories", "fixtures", "testing"}
"""Test folders below an app, if they hold Python: an app itself may have such a name."""
MODULES = re.compile(
    r"tests?|test_\w+|tests_\w+|\w+_tests?|conftest|factories|fixtures|testing"
    r"|test(cases?|helpers?|utils?)"
)
NAMED_FOR_OTHERS = {"templates", "jinja2", "static", "migrations", "commands"}
"""File names below these are about pages, changes and commands: `0002_add_tests`."""
SET_UPS = {"conftest", "factories", "fixtures"}
"""Modules or folders with these names create rows for tests."""


def is_of_tests(file: str, app: str = "") -> bool:
    """Whether a file is a test. `file` and its app's folder `app` ("" if none) are root-relative.

    The app's own name does not count here: see `is_app_of_tests`.
    """
    *folders, name = _below(file, app)
    stem, _, ending = name.rpartition(".")
    named = next((n for n, each in enumerate(folders) if each in NAMED_FOR_OTHERS), None)
    if any(map(FOLDERS.fullmatch, folders[:named])):
        return True
    if ending != "py" or named is not None:
        return False
    return bool(HELPERS & {*folders} or MODULES.fullmatch(stem))


def is_app_of_tests(folder: str) -> bool:
    """Whether an app's folder has a name of tests, or is below a folder of tests."""
    *folders, name = folder.split("/")
    return bool(FOLDERS.fullmatch(name) or any(map(_is_of_tests, folders)))


def is_set_up(file: str) -> bool:
    """Whether a test file creates rows, rather than using them."""
    return bool(SET_UPS & {*file.removesuffix(".py").split("/")})


def _is_of_tests(folder: str) -> bool:
    return folder == "testing" or bool(FOLDERS.fullmatch(folder))


def _below(file: str, folder: str) -> list[str]:
    return file.removeprefix(f"{folder}/" if folder else "").split("/")
