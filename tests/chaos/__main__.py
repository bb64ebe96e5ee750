"""python -m tests.chaos: runs as long as one has patience; what is done already is not repeated."""

import argparse
import json
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack, closing
from datetime import datetime
from itertools import product
from pathlib import Path

from tests.chaos.brittle import MODES
from tests.chaos.run import Plan, Report, Run
from tests.chaos.stores import Templates
from tests.servers import PostgresForTests

RESULTS = Path(__file__).resolve().parents[2] / "build" / "chaos.jsonl"
ENGINES = ("sqlite", "postgres")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--events", type=int, default=100_000, help="of each run")
    parser.add_argument("--faults", type=int, default=560, help="of each run")
    parser.add_argument("--seed", type=int, default=1, help="of the first run")
    parser.add_argument("--database", choices=ENGINES, help="default: both in turn")
    parser.add_argument("--redis", choices=MODES, help="default: each in turn")
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args()


def plans(chosen: argparse.Namespace) -> list[Plan]:
    """As many as were asked for, spread over databases and kinds of Redis."""
    engines = [chosen.database] if chosen.database else ENGINES
    modes = [chosen.redis] if chosen.redis else list(MODES)
    kinds = [(engine, mode) for mode, engine in product(modes, engines)]
    return [
        Plan(chosen.seed + number, chosen.events, chosen.faults, *kinds[number % len(kinds)])
        for number in range(chosen.runs)
    ]


def name(plan: Plan) -> str:
    return f"{plan.seed} {plan.engine} {plan.redis} {plan.events} {plan.faults}"


def known(results: Path) -> dict[str, str]:
    """The summaries of earlier runs that were clean, by plan."""
    if not results.exists():
        return {}
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    return {line["plan"]: line["summary"] for line in lines if line["clean"]}


def keep(report: Report, results: Path) -> None:
    results.parent.mkdir(parents=True, exist_ok=True)
    line = {
        "plan": name(report.plan),
        "at": datetime.now().astimezone().isoformat(timespec="seconds"),
        "clean": report.found.clean,
        "summary": str(report),
        "faults": report.faults,
        "notes": report.notes,
    }
    with results.open("a") as file:
        file.write(json.dumps(line) + "\n")


def carry_out(plan: Plan, templates: Templates, results: Path) -> Report:
    """One run, told and kept. If it was not clean, its folder stays."""
    folder = Path(tempfile.mkdtemp(prefix=f"chaos-{plan.seed}-"))
    report = Run(plan, templates.new(plan.engine, folder), folder).report()
    keep(report, results)
    tell(report, *report.notes)
    if report.found.clean:
        shutil.rmtree(folder)
    else:
        tell(f"  {folder} is kept")
    return report


def tell(*lines: object) -> None:
    sys.stdout.write("\n  ".join(map(str, lines)) + "\n")
    sys.stdout.flush()


def main() -> int:
    chosen = options()
    done = known(chosen.results)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that servers are ended too
    clean = True
    with ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="chaos-")))
        templates = Templates(folder, lambda: ending.enter_context(closing(PostgresForTests())))
        for plan in plans(chosen):
            if name(plan) in done:
                tell(f"{done[name(plan)]} (done before)")
                continue
            clean &= carry_out(plan, templates, chosen.results).found.clean
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
