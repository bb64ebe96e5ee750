"""Scenario 7: relay and consumers die or stop at the worst moments; effects happen once."""

import random
import shutil
import time
from collections import Counter
from itertools import cycle
from pathlib import Path
from threading import Event, Thread

import pytest

from tests import copies, outcome
from tests.eventually import eventually

WITNESS = Path(__file__).with_name("planted_witness.py")
TABLE = (
    "from django.db import connection; connection.cursor().execute("
    "'CREATE TABLE IF NOT EXISTS witnessed (heard_by varchar(10), number varchar(20))')"
)
HEARD = "SELECT number FROM witnessed WHERE heard_by = %s"
KILLS = 10
PAUSE_S = (0.3, 1.0)
PACE_S = 0.1


@pytest.fixture
def witnessed(system, tmp_path):
    """A system whose notifications hold a witness."""
    project = copies.whole(tmp_path / "project")
    shutil.copy(WITNESS, project / "notifications" / "witness.py")
    append(project / "notifications" / "subscribers.py", "from notifications import witness")
    append(project / "shop" / "settings.py", 'CARVEOUT["LEASE_MS"] = 1_000  # no long waits')
    with system.code_from(project, changes=False):
        system.of("notifications").manage("shell", "--verbosity", "0", "-c", TABLE)
        yield system


def append(file: Path, line: str) -> None:
    with file.open("a") as code:
        code.write(f"\n{line}\n")


def settled(system, smtp) -> bool:
    """Like `outcome.settled`, and the witness heard everything once too."""
    events = outcome.announced(system, "orders.OrderCreated")
    for ear in ("consumer", "job"):
        heard = system.rows(
            "notifications", "SELECT number FROM witnessed WHERE heard_by = %s", ear
        )
        assert Counter(number for (number,) in heard) == events, f"what the {ear} heard"
    return outcome.settled(system, smtp)


def test_scenario_07_killed_around_xadd_and_around_commit_effects_happen_once(witnessed, smtp):
    system = witnessed
    system.start()
    nils = system.customer("nils")
    for process, moment in (
        (system.relay("orders"), "before XADD"),
        (system.relay("orders"), "after XADD"),
        (system.consumer("notifications"), "before commit"),
        (system.consumer("notifications"), "after commit"),
    ):
        tell(system, moment)
        nils.order({"CD-08": 1})
        eventually(lambda process=process: not process.running)
        process.start()
        eventually(lambda: settled(system, smtp))


def test_scenario_07_stopped_while_another_takes_over_effects_happen_once(witnessed, smtp):
    system = witnessed
    system.start()
    piet = system.customer("piet")
    first = system.consumer("notifications")
    second = system.of("notifications").process("consume-2", "consume", "notifications")
    asked = tell(system, "stop after reading")
    piet.order({"CD-08": 1})
    eventually(lambda: not asked.exists())
    second.start()
    try:
        eventually(lambda: settled(system, smtp))
        first.resume()
        eventually(lambda: "are no longer at" in first.printed())
        eventually(lambda: settled(system, smtp))
    finally:
        second.end()


def tell(system, moment: str) -> Path:
    """Tell the witness what to do to its process. Returns: a file that is gone once it is done."""
    wish = system.of("notifications").state_dir / moment
    wish.touch()
    return wish


def test_scenario_07_killed_at_any_moment_while_orders_flow_effects_happen_once(witnessed, smtp):
    system = witnessed
    system.start()
    customers = [system.customer(name) for name in ("olga", "paul")]
    stop = Event()
    clients = [Thread(target=order_until, args=(stop, customer)) for customer in customers]
    for client in clients:
        client.start()
    try:
        kill_in_turn(system)
    finally:
        stop.set()
        for client in clients:
            client.join()
    assert len(outcome.orders(system)) > 10 * len(customers)
    eventually(lambda: settled(system, smtp), timeout_s=60)


def order_until(stop: Event, customer) -> None:
    while not stop.wait(PACE_S):
        customer.order({random.choice(("CD-09", "CD-10")): 1})


def kill_in_turn(system) -> None:
    """Kill relay and consumers, each when it was up for a while, and start them again."""
    consumers = [system.consumer(name) for name in copies.CONTEXTS]
    victims = cycle([system.relay("orders"), *consumers])
    for _ in range(KILLS):
        time.sleep(random.uniform(*PAUSE_S))
        victim = next(victims)
        victim.kill()
        victim.start()
