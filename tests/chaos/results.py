"""What runs have found, a line of JSON each: a second start goes on where the first ended."""

import json
from collections import Counter
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.chaos.run import KINDS, Plan, Report

RESULTS = Path(__file__).resolve().parents[2] / "build" / "chaos.jsonl"
COLUMNS = (
    *("seed", "database", "Redis keeps", "events", "kills", "pauses", "Redis and proxy", "clocks"),
    *("releases", "crashes of the database", "restores", "found", "drained", "at"),
)
HEADER = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|"
KEEPS = {"none": "nothing", "aof": "an append-only file", "rdb": "snapshots"}


def name(plan: Plan) -> str:
    """The same for runs that are the same."""
    told = f"{plan.seed} {plan.engine} {plan.redis} {plan.events} {plan.faults}"
    return told if plan.kinds == KINDS else " ".join((told, "only", *plan.kinds))


def keep(report: Report, results: Path) -> None:
    results.parent.mkdir(parents=True, exist_ok=True)
    line = {
        "name": name(report.plan),
        "at": datetime.now().astimezone().isoformat(timespec="minutes"),
        "clean": report.found.clean,
        "summary": str(report),
        "report": asdict(report),
    }
    with results.open("a") as file:
        file.write(json.dumps(line) + "\n")


def clean(results: Path) -> dict[str, str]:
    """The summaries of earlier runs that found nothing, by name."""
    return {line["name"]: line["summary"] for line in _lines(results) if line["clean"]}


def table(results: Path) -> str:
    """All runs as a table in Markdown, and what they add up to."""
    lines = _lines(results)
    rows = [_row(line["report"], line["at"]) for line in lines]
    kinds = [_by_kind(line["report"]) for line in lines]
    kills = sum(kind["kill"] + kind["clock"] for kind in kinds)
    pauses = sum(kind["pause"] for kind in kinds)
    events = sum(line["report"]["events"] for line in lines)
    total = f"{len(rows)} runs, {events:,} events, {kills:,} kills, {pauses:,} pauses."
    return "\n".join([HEADER, *rows, "", total])


def _row(report: dict[str, Any], at: str) -> str:
    plan, kinds = report["plan"], _by_kind(report)
    found = ", ".join(f"{count} {what}" for what, count in report["found"].items() if count)
    cells = (
        plan["seed"],
        plan["engine"],
        KEEPS[plan["redis"]],
        f"{report['events']:,}",
        kinds["kill"],
        kinds["pause"],
        kinds["redis"] + kinds["proxy"],
        kinds["clock"],
        kinds["release"],
        kinds["database"],
        kinds["restore"],
        found or "nothing",
        f"{report['drained_s']:.0f} s",
        at,
    )
    return f"| {' | '.join(map(str, cells))} |"


def _by_kind(report: dict[str, Any]) -> Counter[str]:
    """A clock that jumps is a kill too: another process begins with it."""
    kinds: Counter[str] = Counter()
    for fault, count in report["faults"].items():
        kinds[fault.split()[0]] += count
    return kinds


def _lines(results: Path) -> list[dict[str, Any]]:
    if not results.exists():
        return []
    return [json.loads(line) for line in results.read_text().splitlines()]
