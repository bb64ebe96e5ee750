"""Scenario 10: the scenarios 1 to 9, word for word, on PostgreSQL.

The imported tests run here once more, on one system that lasts. The fourth comes first, because
it needs a context that was never started.
"""
# ruff: noqa: F403, I001

from tests.acceptance.test_scenario_04_a_new_subscriber import *
from tests.acceptance.test_scenario_01_an_order import *
from tests.acceptance.test_scenario_02_mail_server_down import *
from tests.acceptance.test_scenario_03_notifications_stopped import *
from tests.acceptance.test_scenario_05_redis_lost import *
from tests.acceptance.test_scenario_06_web_killed import *
from tests.acceptance.test_scenario_07_workers_killed import *
from tests.acceptance.test_scenario_08_carried_state import *
from tests.acceptance.test_scenario_09_cancelled_after_created import *

SHAPE = "together-postgres"
