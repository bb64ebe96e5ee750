"""Run a command as on a system that is no Unix: python -m tests.without_unix MODULE ARGUMENT…"""

import importlib.abc
import os
import runpy
import signal
import sys

MODULES = {"fcntl", "grp", "pwd", "resource", "termios", "pty", "tty"}
OF_OS = ("fork", "register_at_fork", "getsid", "setsid", "killpg", "getppid", "mkfifo", "getuid")
OF_SIGNAL = ("SIGALRM", "SIGKILL", "SIGSTOP", "SIGHUP", "SIGCHLD", "ITIMER_REAL")


class Blocker(importlib.abc.MetaPathFinder):
    """Finds none of the modules that only Unix has."""

    def find_spec(self, name, path, target=None):
        if name in MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def take_away() -> None:
    for name in MODULES & sys.modules.keys():
        del sys.modules[name]
    sys.meta_path.insert(0, Blocker())
    for name in OF_OS:
        delattr(os, name)
    for name in (*OF_SIGNAL, "setitimer", "getitimer", "alarm", "pause"):
        delattr(signal, name)


if __name__ == "__main__":
    take_away()
    module, *sys.argv[1:] = sys.argv[1:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
