"""latency_…_ms: milliseconds from a commit to each step on the way to its handler, at low load.

Relay and consumer write down when they reach a step; that costs them a few microseconds each.
"""

import os
from bisect import bisect_left
from pathlib import Path
from statistics import median

from single.models import Effect
from tqdm import tqdm

from bench.backlog import migrate
from bench.questions.latency import trickle
from bench.rounds import Answer, Scale
from bench.workers import WorkerProcess

EVENTS = 200
STEPS = {
    "latency_positions_ms": "relay: positions given",
    "latency_shipped_ms": "relay: shipped",
    "latency_read_ms": "consumer: read",
    "latency_committed_ms": "consumer: committed",
}
HANDLER = "latency_handler_ms"


def measure(keys: list[str], quick: bool) -> dict[str, Answer]:
    migrate()
    scale, folder = Scale(quick), Path(os.environ["CARVEOUT_DIR"])
    files = [folder / "relay.stamps", folder / "consumer.stamps"]
    env = {"CONTEXTS": "source,single"}
    commands = [["relay"], ["consume", "single"]]
    relay, consumer = (
        WorkerProcess(str(file), *command, module="bench.stamped", env=env)
        for file, command in zip(files, commands, strict=True)
    )
    found: dict[str, list[float]] = {key: [] for key in keys}
    with relay, consumer:
        trickle(10)
        for _ in tqdm(range(scale.rounds), "latency_steps", leave=False):
            committed = trickle(scale.of(EVENTS))
            started = Effect.objects.order_by("number").values_list("started_at", flat=True)
            stamps = _stamps(files)
            for key in keys:
                at = list(started) if key == HANDLER else _first(stamps[STEPS[key]], committed)
                took = [step - end for step, end in zip(at, committed, strict=True)]
                found[key].append(median(took) * 1000)
    return {key: Answer(each, median(each), 1) for key, each in found.items()}


def _stamps(files: list[Path]) -> dict[str, list[float]]:
    stamps: dict[str, list[float]] = {}
    for line in (line for file in files for line in file.read_text().splitlines()):
        at, _, name = line.partition(" ")
        stamps.setdefault(name, []).append(float(at))
    return stamps


def _first(stamps: list[float], after: list[float]) -> list[float]:
    """The first stamp after each of these times: events follow each other slowly."""
    return [stamps[min(bisect_left(stamps, at), len(stamps) - 1)] for at in after]
