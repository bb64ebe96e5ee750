"""idle_cpu: CPU seconds that a relay and a consumer use in a minute without events."""

import time

from tqdm import tqdm

from bench import cpu
from bench.backlog import heard, migrate, publish
from bench.rounds import Answer, Scale
from bench.workers import eventually, relay_and_consumer

SETTLE_S = 5.0
WINDOW_S = 12.0
QUICK_S = 1.0


def measure(keys: list[str], quick: bool) -> dict[str, Answer]:
    migrate()
    window_s = QUICK_S if quick else WINDOW_S
    with relay_and_consumer("single") as pids:
        publish(1)
        eventually(lambda: heard("single") == 1)
        time.sleep(0 if quick else SETTLE_S)
        rounds = tqdm(range(Scale(quick).rounds), "idle", leave=False)
        used = [_seconds_per_minute(pids, window_s) for _ in rounds]
    return {key: Answer(used, sum(used) / len(used), 60, "s a minute") for key in keys}


def _seconds_per_minute(pids: list[int], window_s: float) -> float:
    before = cpu.of_trees(pids)
    time.sleep(window_s)
    return (cpu.of_trees(pids) - before) * 60 / window_s
