"""Groups errors that are the same apart from keys, numbers and addresses."""

import hashlib
import re

_VARIABLE = [
    (re.compile(r"[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.IGNORECASE), "<id>"),
    (re.compile(r"[^\s'\"<>(),;]+@[^\s'\"<>(),;]+"), "<address>"),
    (re.compile(r"[\w-]*\d[\w.,:-]*"), "<n>"),  # numbers, and keys such as A-17
]
_FRAME = re.compile(r'^[ |]*File "(.+)", line \d+, in (.+)$', re.MULTILINE)
LINE_MAX = 200


def fingerprint(error_type: str, error: str, traceback: str) -> str:
    """A short name for an error's type, the first line of its text, and where it was raised."""
    parts = "\n".join((error_type, normalized_message(error), raised_in(traceback)))
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


def normalized_message(error: str) -> str:
    """The first line of an error's text without the parts that vary."""
    line = next(iter(error.strip().splitlines()), "")[:LINE_MAX]
    for pattern, name in _VARIABLE:
        line = pattern.sub(name, line)
    return line


def raised_in(traceback: str) -> str:
    """The innermost function of a stack, with its file, as "notifications/mail.py send".

    Line numbers and parent folders are left out, since they change between releases.
    """
    frames = _FRAME.findall(traceback)
    if not frames:
        return ""
    path, function = frames[-1]
    return f"{'/'.join(path.replace(chr(92), '/').split('/')[-2:])} {function}"
