"""make bench"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tqdm import tqdm

from bench import results, servers
from bench.goals import GOALS, questions
from bench.peers import environment
from bench.question import ask
from bench.side import SideFailed


def main() -> None:
    os.environ.pop("CONTEXTS", None)
    arguments = _arguments()
    if arguments.table:
        print(results.markdown())
        return
    goals = [goal for goal in GOALS if not arguments.only or goal.key in arguments.only]
    if not arguments.quick:
        environment.install()
    answers, failed = {}, []
    with servers.started() as urls, tempfile.TemporaryDirectory() as folder:
        about = servers.versions(*urls)
        asked = questions([goal.key for goal in goals])
        for question, keys in tqdm(asked.items(), "questions"):
            try:
                answers |= ask(
                    question, "measure", keys, arguments.quick, urls=urls, folder=Path(folder)
                )
            except SideFailed as error:
                failed += keys
                tqdm.write(str(error), sys.stderr)
    print(results.HEADER)
    for goal in goals:
        if goal.key not in failed:
            print(results.row(goal, answers.get(goal.key)))
    if not arguments.quick:
        results.write(answers, about)
    sys.exit(f"Failed: {', '.join(failed)}" if failed else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("bench", description="Measures against baselines in turns.")
    parser.add_argument("--quick", action="store_true", help="only see that everything runs")
    parser.add_argument("--table", action="store_true", help="show results.json, in Markdown")
    parser.add_argument(
        "--only", nargs="+", metavar="KEY", choices=[goal.key for goal in GOALS], default=[]
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
