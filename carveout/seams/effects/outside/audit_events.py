"""Says in a sentence what an audit event of Python does outside the process.

Source: https://docs.python.org/3/library/audit_events.html
"""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

Args = tuple[Any, ...]

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC


class FileChange(NamedTuple):
    """An audit event that changes files or folders."""

    sentence: str
    paths: Sequence[int] = (0,)
    """Which arguments are paths that change; in the sentence they come in this order."""
    folders: Sequence[int] = ()
    """Which arguments are descriptors of the folders that relative paths begin at."""


FILE_CHANGES = {
    "os.chmod": FileChange("changed the mode of {}"),
    "os.chown": FileChange("changed the owner of {}"),
    "os.link": FileChange("made the link {}", [1]),
    "os.mkdir": FileChange("made the folder {}", folders=[2]),
    "os.remove": FileChange("removed {}", folders=[1]),
    "os.removexattr": FileChange("changed attributes of {}"),
    "os.rename": FileChange("renamed {} to {}", [0, 1], [2, 3]),
    "os.rmdir": FileChange("removed the folder {}", folders=[1]),
    "os.setxattr": FileChange("changed attributes of {}"),
    "os.symlink": FileChange("made the link {}", [1]),
    "os.truncate": FileChange("truncated {}"),
    "os.utime": FileChange("changed the times of {}"),
}


def _address(args: Args) -> str:
    address = args[1]
    if address is None:
        return "the other end of a socket"
    if isinstance(address, tuple) and len(address) > 1:
        return f"{address[0]}:{address[1]}"
    return os.fsdecode(address) if isinstance(address, str | bytes) else repr(address)


def _command(args: Args) -> str:
    return f"ran {os.fsdecode(args[0])}"


def _sqlite(args: Args) -> str | None:
    return None if args[0] == ":memory:" else f"opened the SQLite database {args[0]}"


OTHERS: dict[str, Callable[[Args], str | None]] = {
    "_thread.start_joinable_thread": lambda args: "started a thread",
    "_thread.start_new_thread": lambda args: "started a thread",
    "ftplib.connect": lambda args: f"connected to {args[1]}:{args[2]} by FTP",
    "ftplib.sendcmd": lambda args: "sent an FTP command",
    "imaplib.open": lambda args: f"connected to {args[1]}:{args[2]} by IMAP",
    "imaplib.send": lambda args: "sent an IMAP command",
    "os.exec": _command,
    "os.fork": lambda args: "forked the process",
    "os.forkpty": lambda args: "forked the process",
    "os.kill": lambda args: f"sent signal {args[1]} to a process",
    "os.killpg": lambda args: f"sent signal {args[1]} to processes",
    "os.posix_spawn": _command,
    "os.spawn": lambda args: f"ran {os.fsdecode(args[1])}",
    "os.startfile": _command,
    "os.startfile/2": _command,
    "os.system": _command,
    "poplib.connect": lambda args: f"connected to {args[1]}:{args[2]} by POP3",
    "poplib.putline": lambda args: "sent a POP3 command",
    "pty.spawn": lambda args: "ran a command in a terminal",
    "smtplib.connect": lambda args: f"connected to {args[1]}:{args[2]} by SMTP",
    "smtplib.send": lambda args: "sent an SMTP command",
    "socket.bind": lambda args: f"bound a socket to {_address(args)}",
    "socket.connect": lambda args: f"connected to {_address(args)}",
    "socket.sendmsg": lambda args: f"sent a message to {_address(args)}",
    "socket.sendto": lambda args: f"sent a message to {_address(args)}",
    "sqlite3.connect": _sqlite,
    "subprocess.Popen": lambda args: f"ran {_program(args)}",
    "syslog.syslog": lambda args: "wrote to the system log",
    "webbrowser.open": lambda args: "opened a page in a browser",
}


def sentence(event: str, args: Args, temporary: set[str]) -> str | None:
    """What an event does; None if it is no effect.

    temporary: files and folders whose changes are none.
    """
    if event == "open":
        return _opened(args, temporary)
    if change := FILE_CHANGES.get(event):
        return _changed(change, args, temporary)
    return OTHERS[event](args)


def _program(args: Args) -> str:
    executable, arguments = args[:2]
    first = arguments if isinstance(arguments, str | bytes) else arguments[0]
    return os.fsdecode(executable or first)


def _opened(args: Args, temporary: set[str]) -> str | None:
    path, _, flags = args
    if isinstance(path, int) or not flags & _WRITING or path == os.devnull:
        return None
    if flags & getattr(os, "O_TMPFILE", 0) == getattr(os, "O_TMPFILE", -1):
        return None  # it has no name
    return _changed(FileChange("opened {} for writing"), args, temporary)


def _changed(change: FileChange, args: Args, temporary: set[str]) -> str | None:
    folders = [args[index] for index in change.folders] or [-1] * len(change.paths)
    paths = [_path(args[at], folder) for at, folder in zip(change.paths, folders, strict=True)]
    if all(_is_in(path, temporary) for path in paths):
        return None
    return change.sentence.format(*paths)


def _path(path: Any, folder: int) -> str:
    if isinstance(path, int):
        return f"the open file {path}"
    text = os.fsdecode(path)
    with suppress(OSError):
        if folder >= 0 and not Path(text).is_absolute():
            return str(Path(f"/proc/self/fd/{folder}").readlink() / text)
    return str(Path(text).absolute())


def _is_in(path: str, temporary: set[str]) -> bool:
    folders = {path, *map(str, Path(path).parents)}
    return ".." not in Path(path).parts and not temporary.isdisjoint(folders)
