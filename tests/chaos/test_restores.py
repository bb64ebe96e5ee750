"""A database is restored while all are at work: nothing that is in it passes unheard.

RESTORES says how often.
"""

import os

import pytest

from tests.chaos.restores import FORMS, Restores

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

RESTORES = int(os.environ.get("RESTORES", "2"))
SEED = 5


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_what_a_restored_log_holds_is_handled_once_and_in_order(templates, tmp_path, engine, form):
    there = Restores(engine, form, templates, tmp_path, SEED)
    found = there.report(RESTORES)
    print(f"{engine} {form}: {there.made()} entries, {there.happened}: {found}", *there.notes)  # noqa: T201
    assert found.clean, found
