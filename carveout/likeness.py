"""Likeness: which errors are the same one again, though keys, numbers and addresses differ."""

import hashlib
import re

_VARIABLE = [
    (re.compile(r"[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.IGNORECASE), "<id>"),
    (re.compile(r"[^\s'\"<>(),;]+@[^\s'\"<>(),;]+"), "<address>"),
    (re.compile(r"[\w-]*\d[\w.,:-]*"), "<n>"),  # numbers, and keys such as A-17
]
_FRAME = re.compile(r'^[ |]*File "(.+)", line \d+, in (.+)$', re.MULTILINE)
LINE_MAX = 200


def likeness(error_type: str, error: str, traceback: str) -> str:
    """A short name for an error's type, the first line of its text, and where it was raised."""
    parts = "\n".join((error_type, normal_line(error), raised_in(traceback)))
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


def normal_line(error: str) -> str:
    """The first line of an error's text without what differs from one time to the next."""
    line = next(iter(error.strip().splitlines()), "")[:LINE_MAX]
    for pattern, name in _VARIABLE:
        line = pattern.sub(name, line)
    return line


def raised_in(traceback: str) -> str:
    """The innermost function of a stack, with its file, as "notifications/mail.py send".

    Without the line, and without the folders above, which change from release to release.
    """
    frames = _FRAME.findall(traceback)
    if not frames:
        return ""
    path, function = frames[-1]
    return f"{'/'.join(path.replace(chr(92), '/').split('/')[-2:])} {function}"
