"""python -m tests.chaos: runs as long as one has patience; what is done already is not repeated."""

import argparse
import shutil
import signal
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack, closing
from itertools import product
from pathlib import Path

from tests.chaos import pooler
from tests.chaos.brittle import MODES
from tests.chaos.restores import FORMS, Restores
from tests.chaos.results import RESULTS, clean, keep, name, table
from tests.chaos.run import KINDS, Plan, Report, Run
from tests.chaos.stores import Templates
from tests.servers import PostgresForTests

RESTORES = 5
"""Of each form, after each run."""
ENGINES = ("sqlite", "postgres")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--events", type=int, default=100_000, help="of each run")
    parser.add_argument("--faults", type=int, default=800, help="of each run")
    parser.add_argument("--seed", type=int, default=1, help="of the first run")
    parser.add_argument("--database", choices=ENGINES, help="default: both in turn")
    parser.add_argument("--redis", choices=MODES, help="default: each in turn")
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=KINDS, help="default: all")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--table", action="store_true", help="only show what was found so far")
    return parser.parse_args()


def plans(chosen: argparse.Namespace) -> list[Plan]:
    """As many as were asked for, spread over databases and kinds of Redis."""
    engines = [chosen.database] if chosen.database else ENGINES
    modes = [chosen.redis] if chosen.redis else list(MODES)
    kinds = [(engine, mode) for mode, engine in product(modes, engines)]
    return [
        Plan(
            chosen.seed + number,
            chosen.events,
            chosen.faults,
            *kinds[number % len(kinds)],
            kinds=tuple(chosen.kinds),
        )
        for number in range(chosen.runs)
    ]


def carry_out(plan: Plan, templates: Templates, results: Path) -> None:
    """One run, told and kept. If it was not clean, its folder stays."""
    folder = Path(tempfile.mkdtemp(prefix=f"chaos-{plan.seed}-"))
    stores = templates.new(plan.engine, folder, pooled=plan.pooled)
    report = Run(plan, stores, folder).report()
    if "restores" in plan.kinds:
        restored(plan, templates, folder, report)
    keep(report, results)
    tell(report, *report.notes)
    if report.found.clean:
        shutil.rmtree(folder)
    else:
        tell(f"  {folder} is kept")


def restored(plan: Plan, templates: Templates, folder: Path, report: Report) -> None:
    """Let databases be restored too, and add what that finds."""
    for form in FORMS:
        there = Restores(plan.engine, form, templates, folder / form, plan.seed)
        report.found.add(there.report(RESTORES))
        report.faults = dict(Counter(report.faults) + there.happened)
        report.events += there.made()
        report.notes += there.notes


def tell(*lines: object) -> None:
    sys.stdout.write("\n  ".join(map(str, lines)) + "\n")
    sys.stdout.flush()


def main() -> int:
    chosen = options()
    if chosen.table:
        tell(table(chosen.results))
        return 0
    if "pgbouncer" in chosen.kinds and not pooler.installed():
        tell("PgBouncer is not installed and is left out: apt-get install pgbouncer")
    done = clean(chosen.results)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that servers are ended too
    with ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="chaos-")))
        templates = Templates(
            folder, lambda: ending.enter_context(closing(PostgresForTests(durable=True)))
        )
        for plan in plans(chosen):
            if name(plan) in done:
                tell(f"{done[name(plan)]} (done before)")
            else:
                carry_out(plan, templates, chosen.results)
    return 0 if {name(plan) for plan in plans(chosen)} <= set(clean(chosen.results)) else 1


if __name__ == "__main__":
    sys.exit(main())
