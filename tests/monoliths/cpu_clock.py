"""A pytest plugin: the CPU time and the wall time of the tests themselves, with all that records.

Neither start-up nor the survey after the tests is in it.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

# Bound here, since tests may freeze the clocks of every module.
CLOCKS = {"cpu_s": time.process_time, "wall_s": time.perf_counter}


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop() -> Iterator[None]:
    began = {name: clock() for name, clock in CLOCKS.items()}
    result = yield
    took = {name: clock() - began[name] for name, clock in CLOCKS.items()}
    Path(os.environ["CPU_CLOCK"]).write_text(f"{took['cpu_s']} {took['wall_s']}")
    return result
