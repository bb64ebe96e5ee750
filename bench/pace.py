"""The same work at a steady pace, or as fast as it goes."""

import time
from collections.abc import Callable


def paced(
    work: Callable[[], object], count: int, per_second: int | None = None
) -> tuple[float, list[float]]:
    """CPU seconds that this thread spent, and the seconds that each piece took."""
    took = []
    began, cpu = time.monotonic(), time.thread_time()
    for number in range(count):
        if per_second:
            time.sleep(max(began + number / per_second - time.monotonic(), 0))
        started = time.perf_counter()
        work()
        took.append(time.perf_counter() - started)
    return time.thread_time() - cpu, took
