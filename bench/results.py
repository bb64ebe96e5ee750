"""Results: the table that is printed, and the file that keeps them."""

import json
import os
import platform
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from bench.goals import GOALS, Goal

FILE = Path(__file__).with_name("results.json")
LIBRARIES = ("Django", "psycopg", "redis", "hiredis", "msgspec")
MISSING = "peer missing"
VERDICTS = {True: "yes", False: "no", None: ""}


def row(goal: Goal, answer: dict[str, Any] | None) -> str:
    """One line of the table."""
    if answer is None:
        return f"{goal.key:24}{'':>9}{goal.bound:>8}  {MISSING}"
    ratios = answer["ratios"]
    ratio = median(ratios)
    reached = VERDICTS[goal.reached_by(ratio)]
    return (
        f"{goal.key:24}{ratio:9.3f}{goal.bound:>8}"
        f"{min(ratios):10.3f}{max(ratios):10.3f}  {reached:8}"
        f"{answer['ours']:10.3f}{answer['baseline']:10.3f} {answer['unit']}"
    )


HEADER = (
    f"{'key':24}{'ratio':>9}{'goal':>8}{'low':>10}{'high':>10}  {'reached?':8}"
    f"{'ours':>10}{'baseline':>10}"
)


def markdown() -> str:
    """What the file holds, as a table."""
    kept = json.loads(FILE.read_text())
    lines = ["| key | ratio | goal | lowest | highest | reached |", "|---|---|---|---|---|---|"]
    for goal in GOALS:
        if entry := kept.get(goal.key):
            ratios = " | ".join(f"{entry[name]:.4g}" for name in ("low", "high"))
            reached = VERDICTS[goal.reached_by(entry["ratio"])]
            ratio = f"{entry['ratio']:.4g}"
            lines.append(f"| `{goal.key}` | {ratio} | {goal.bound} | {ratios} | {reached} |")
    return "\n".join(lines)


def write(answers: dict[str, dict[str, Any]], servers: dict[str, str]) -> None:
    """Keep these; what was not measured now stays as it is."""
    kept = json.loads(FILE.read_text()) if FILE.exists() else {}
    kept |= {goal.key: _entry(goal, answers[goal.key]) for goal in GOALS if goal.key in answers}
    ordered = {goal.key: kept[goal.key] for goal in GOALS if goal.key in kept}
    FILE.write_text(json.dumps({"about": _about(servers), **ordered}, indent=2) + "\n")


def _entry(goal: Goal, answer: dict[str, Any]) -> dict[str, Any]:
    ratios = answer["ratios"]
    return {
        "ratio": round(median(ratios), 4),
        "goal": goal.value,
        "low": round(min(ratios), 4),
        "high": round(max(ratios), 4),
    }


def _about(servers: dict[str, str]) -> dict[str, Any]:
    memory_gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    libraries = {name.lower(): version(name) for name in LIBRARIES}
    return {
        "date": date.today().isoformat(),
        "machine": f"{os.cpu_count()} cores of {_processor()}, {memory_gib:.0f} GiB",
        "versions": {"python": platform.python_version(), **libraries, **servers},
    }


def _processor() -> str:
    """What Linux calls it."""
    cpuinfo = Path("/proc/cpuinfo")
    for line in cpuinfo.read_text().splitlines() if cpuinfo.exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
