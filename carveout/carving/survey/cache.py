"""Caches what the last survey read from each file, so that only changed files are read again.

It works by content, not by time: the key of an entry is a digest of everything that it depends
on, so edited, renamed or restored files need no special care. A seal covers the whole cache, with
the survey's own code and the versions of Python and Django. A cache that does not match its seal
is damaged or from another version, and is ignored.
"""

import os
import sys
import zlib
from contextlib import suppress
from functools import cached_property
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path

import django
import msgspec

from carveout.carving.survey.facts import Facts
from carveout.carving.survey.parser import read
from carveout.carving.survey.template_tokens import Mark, marks

SEAL_BYTES = 32
KEY_BYTES = 16


class Kept(msgspec.Struct, frozen=True):
    """Facts of modules and marks of templates, by the digest of what each depends on."""

    modules: dict[bytes, Facts] = {}
    templates: dict[bytes, list[Mark]] = {}


class Cache:
    """The cache file; without a path nothing is cached. A problem with the file is not an error."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._used = Kept()

    def facts(self, content: bytes, module: str, package: bool, alias: str = "") -> Facts:
        """The facts of one file, from the cache or read now.

        Raises: SyntaxError, ValueError, RecursionError: it can't be parsed as Python.
        """
        key = _digest(content, module.encode(), bytes([package]), alias.encode())
        facts = self._used.modules.get(key) or self._known.modules.get(key)
        self._used.modules[key] = facts or read(content, module, package, alias)
        return self._used.modules[key]

    def marks(self, content: bytes) -> list[Mark]:
        """The marks of one template, from the cache or read now.

        Raises: UnicodeDecodeError: it is not text.
        """
        key = _digest(content)
        found = self._known.templates.get(key)
        found = marks(content.decode()) if found is None else found
        self._used.templates[key] = found
        return found

    def save(self) -> None:
        """Saves the entries that this survey used. Unused ones belong to files that are gone."""
        if self.path and _keys(self._used) != _keys(self._known):
            body = zlib.compress(msgspec.msgpack.encode(self._used), level=1)
            with suppress(OSError):  # read-only home or full disk: next time, all files are read
                _replace(self.path, _seal(body) + body)

    @cached_property
    def _known(self) -> Kept:
        try:
            sealed = self.path.read_bytes() if self.path else b""
        except OSError:
            return Kept()
        seal, body = sealed[:SEAL_BYTES], sealed[SEAL_BYTES:]
        if not body or seal != _seal(body):
            return Kept()
        return msgspec.msgpack.decode(zlib.decompress(body), type=Kept)


def cache_file(root: Path) -> Path | None:
    """The path of a project's cache: in the user's home, since a survey changes no project."""
    try:
        folder = _folder()
    except RuntimeError:
        return None  # the user has no home
    return folder / f"{root.name[:40]}-{_digest(os.fsencode(root)).hex()}.survey"


def _folder() -> Path:
    """Source: https://specifications.freedesktop.org/basedir-spec/latest/"""
    named = os.environ.get("CARVEOUT_CACHE_DIR")
    caches = os.environ.get("XDG_CACHE_HOME")
    return Path(named or Path(caches or Path.home() / ".cache") / "carveout")


def _replace(path: Path, content: bytes) -> None:
    """Replaces a file atomically: concurrent readers see the old file or the new one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        new.write_bytes(content)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _keys(kept: Kept) -> tuple[set[bytes], set[bytes]]:
    return {*kept.modules}, {*kept.templates}


def _digest(*parts: bytes) -> bytes:
    digest = blake2b(digest_size=KEY_BYTES)
    for part in parts:
        digest.update(len(part).to_bytes(8) + part)  # else "ab", "c" would equal "a", "bc"
    return digest.digest()


def _seal(body: bytes) -> bytes:
    return blake2b(body, digest_size=SEAL_BYTES, key=_version()).digest()


def _version() -> bytes:
    """A digest of what facts depend on besides the files: Python, Django and the survey's code."""
    code = [each for each in files(__name__.rpartition(".")[0]).iterdir() if ".py" in each.name]
    text = [each.read_bytes() for each in sorted(code, key=lambda each: each.name)]
    return _digest(sys.version.encode(), django.__version__.encode(), *text)
