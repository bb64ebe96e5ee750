"""Asks the project's template loaders for their folders, so that its own loaders count too."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from django.core.exceptions import ImproperlyConfigured
from django.template import Engine, engines

PLAIN = ("django.template.loaders.", "jinja2.loaders.")
"""Loaders whose folders may all be missing: they read nothing else."""
FOLDERS = ("get_dirs", "searchpath", "_template_root")


class AskedLoaders(NamedTuple):
    """The folders that loaders name, in the order in which Django looks; the folder names that
    they look for in every app; and the loaders that name no folder, each with a reason."""

    folders: list[Path]
    of_apps: set[str]
    silent: list[str]


def ask() -> AskedLoaders:
    asked = AskedLoaders([], {"templates", "jinja2"}, [])
    try:
        aliases = list(engines.templates)
    except ImproperlyConfigured:
        return asked  # Django cannot render templates either
    for alias in aliases:
        _ask_engine(alias, asked)
    return asked


def _ask_engine(alias: str, asked: AskedLoaders) -> None:
    options = engines.templates[alias]
    try:
        backend: Any = engines[alias]
    except Exception as error:  # such as a broken tag library, which hides no loader
        backend = None
        if not options["BACKEND"].startswith("django."):
            asked.silent.append(_raised(options["BACKEND"], error))
    of_apps = getattr(backend, "app_dirname", None)
    if of_apps:
        asked.of_apps.add(of_apps)
    loader = getattr(getattr(backend, "env", None), "loader", None)  # of Jinja2
    if loader is not None:
        _ask(loader, asked)
    elif isinstance(getattr(backend, "engine", None), Engine):
        _ask_all(backend.engine.loaders, backend.engine, asked)
    elif options["OPTIONS"].get("loaders"):
        engine = Engine(dirs=options["DIRS"], loaders=options["OPTIONS"]["loaders"])
        _ask_all(engine.loaders, engine, asked)
    elif backend is not None and not options["DIRS"] and not options["APP_DIRS"]:
        asked.silent.append(f"{_name(backend)} names no folder")
    asked.folders.extend(map(Path, options["DIRS"]))


def _ask_all(configured: Any, engine: Engine, asked: AskedLoaders) -> None:
    """Asks each loader alone, so that one that can't be created does not hide the others."""
    for each in configured:
        try:
            loader = engine.find_template_loader(each)
        except Exception as error:  # the project's own modules may raise anything
            name, *given = [each] if isinstance(each, str) else each
            inner = given[0] if given and isinstance(given[0], list | tuple) else ()
            if inner and name == "django.template.loaders.cached.Loader":
                _ask_all(inner, engine, asked)
            else:
                asked.silent.append(_raised(name, error))
        else:
            _ask(loader, asked)


def _ask(loader: Any, asked: AskedLoaders) -> None:
    inner = getattr(loader, "loaders", None)  # a loader that caches other loaders, or chooses one
    prefixed = getattr(loader, "mapping", None)
    if isinstance(prefixed, dict) and not any(isinstance(each, str) for each in prefixed.values()):
        inner = prefixed.values()
    if inner is not None:
        for each in inner:
            _ask(each, asked)
        return
    try:
        folders = [Path(each) for each in _folders(loader)]
    except Exception as error:  # the project's own modules may raise anything
        asked.silent.append(_raised(_name(loader), error))
        return
    asked.folders.extend(folders)
    name = _name(loader)
    if not any(hasattr(loader, each) for each in FOLDERS):
        asked.silent.append(f"{name} does not report its folders")
    elif not name.startswith(PLAIN) and not any(folder.is_dir() for folder in folders):
        asked.silent.append(f"{name} names no folder that exists")


def _folders(loader: Any) -> Iterator[Any]:
    if hasattr(loader, "get_dirs"):
        yield from loader.get_dirs()
    elif hasattr(loader, "searchpath"):  # Jinja2's, and those that inherit from it
        yield from loader.searchpath
    elif hasattr(loader, "_template_root"):
        yield loader._template_root


def _raised(name: str, error: Exception) -> str:
    return f"{name} raised {type(error).__name__}: {error}"


def _name(made: Any) -> str:
    return f"{type(made).__module__}.{type(made).__qualname__}"
