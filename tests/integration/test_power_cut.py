"""What a power cut must not take: a committed order whose event is out already."""

from tests import databases, processes
from tests.copies import ROOT

ASK = """
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("PRAGMA synchronous")
    print("synchronous is", cursor.fetchone()[0])
"""
FULL = 2


def test_a_commit_of_the_reference_project_waits_for_the_disk(tmp_path):
    """As it is started by anybody, not as it is under test."""
    env = {**databases.ENVIRONMENT, "CARVEOUT_DIR": str(tmp_path)}
    assert f"synchronous is {FULL}" in processes.run("shell", "-c", ASK, folder=ROOT, env=env)
