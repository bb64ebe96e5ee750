"""CPU seconds and memory of processes and all that they started.

Those that have ended count too as far as CPU goes.
"""

import os
from collections import defaultdict
from pathlib import Path

import psycopg
import redis

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PARENT, UTIME, STIME, CHILDREN_UTIME, CHILDREN_STIME = 1, 11, 12, 13, 14
"""Fields of /proc/PID/stat behind the name. Source: man 5 proc_pid_stat"""


def of_trees(pids: list[int]) -> float:
    """CPU seconds that these processes and their descendants have used."""
    stats = _stats()
    used = (UTIME, STIME, CHILDREN_UTIME, CHILDREN_STIME)
    ticks = (int(stats[pid][field]) for pid in _members(stats, pids) for field in used)
    return sum(ticks) / TICKS_PER_S


def memory_mib(pids: list[int]) -> float:
    """What these processes and their descendants hold now; what they share counts once.

    Source: "Pss" in https://docs.kernel.org/filesystems/proc.html
    """
    return sum(_pss_kib(pid) for pid in _members(_stats(), pids)) / 1024


def servers() -> list[int]:
    """The processes of the PostgreSQL and the Redis of this run, which have to be on this machine.

    One is the parent of our connection's process, the other says so itself.
    """
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        backend = connection.info.backend_pid
        postmaster = int(_stats()[backend][PARENT])
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        return [postmaster, int(client.info("server")["process_id"])]


def _members(stats: dict[int, list[str]], pids: list[int]) -> set[int]:
    children: dict[int, list[int]] = defaultdict(list)
    for pid, fields in stats.items():
        children[int(fields[PARENT])].append(pid)
    todo, members = list(pids), set[int]()
    while todo:
        pid = todo.pop()
        if pid in stats and pid not in members:
            members.add(pid)
            todo += children[pid]
    return members


def _pss_kib(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line[:4] == "Pss:"), 0)


def _stats() -> dict[int, list[str]]:
    stats = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        stats[int(folder.name)] = text.rpartition(")")[2].split()
    return stats
