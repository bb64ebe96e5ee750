"""python -m bench.limits [--quick]

For each goal that is not reached: how fast the same work can be, if all that can be missed is taken
away. Ours and the limit work in turns, as in `make bench`; times the ratio in `results.json` it is
the ratio that the limit would have.
"""

import argparse
import json
import tempfile
from pathlib import Path
from statistics import median

from bench import results, servers
from bench.goals import GOALS
from bench.question import ask

QUESTIONS = {
    "limits": ["publish_pg", "publish_many", "relay_vs_peer", "consume_batch"],
    "limits_sqlite": ["publish_sqlite"],
    "limits_chain": ["latency", "cpu_vs_celery"],
}
COVERED = {
    "consume_batch_vs_bare": "consume_batch",
    "consume_batch_vs_limit": "consume_batch",
    "consume_batch_vs_celery": "consume_batch",
}
"""Keys whose limit is that of another."""


def main() -> None:
    parser = argparse.ArgumentParser("bench.limits", description="Measures limits, in turns.")
    parser.add_argument("--quick", action="store_true", help="only see that everything runs")
    quick = parser.parse_args().quick
    answers = {}
    with servers.started() as urls, tempfile.TemporaryDirectory() as folder:
        for question, keys in QUESTIONS.items():
            answers |= ask(question, "measure", keys, quick, urls=urls, folder=Path(folder))
    reached = json.loads(results.FILE.read_text())
    print(
        "| key | goal | ours | time of the limit / ours | lowest | highest | ratio at the limit |"
    )
    print("|---|---|---|---|---|---|---|")
    for goal in GOALS:
        answer = answers.get(COVERED.get(goal.key, goal.key))
        if answer:
            share, ours = median(answer["ratios"]), reached[goal.key]["ratio"]
            at_limit = ours * share if goal.sign == "≤" else ours / share
            low, high = min(answer["ratios"]), max(answer["ratios"])
            spread = (f"{share:.2f}", f"{low:.2f}", f"{high:.2f}")
            cells = (f"`{goal.key}`", goal.bound, f"{ours:.3g}", *spread, f"{at_limit:.3g}")
            print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
