"""make bench-peers"""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from statistics import median

from bench import servers
from bench.peers import environment
from bench.question import ask

HEADER = f"{'':20}{'events/s':>10}{'ms an event':>14}{'to our handler of one event':>30}"


def main() -> None:
    os.environ.pop("CONTEXTS", None)
    parser = argparse.ArgumentParser("bench.peers", description="What others do with our work.")
    parser.add_argument("--quick", action="store_true", help="only see that everything runs")
    quick = parser.parse_args().quick
    if not environment.install():
        sys.exit("The peers can't be installed.")
    with servers.started() as urls, tempfile.TemporaryDirectory() as folder:
        answers = ask("consume_peers", "survey", quick, urls=urls, folder=Path(folder))
    print(HEADER)
    for name, answer in answers.items():
        ms = answer["ours"]
        print(f"{name:20}{1000 / ms:10,.0f}{ms:14.3f}{median(answer['ratios']):30.3f}")


if __name__ == "__main__":
    main()
