"""python -m bench.stamped FILE COMMAND …

A worker that writes when it reached which step, at the points where tests let it die.
"""

import sys
import time
from pathlib import Path

from django.core.management import execute_from_command_line

from carveout.runtime import failpoints


def main(file: Path, command: list[str]) -> None:
    written = file.open("a", buffering=1)

    def stamp(name: str) -> None:
        written.write(f"{time.time()} {name}\n")

    failpoints.reach = stamp  # before anything of the kit is loaded that uses it
    execute_from_command_line(["django", *command])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
