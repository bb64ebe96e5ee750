"""Loads the project's URL modules, even if some of them raise.

`include` imports at once, so one module that raises breaks all modules that include it, up to the
root. Then each module is loaded alone, innermost first. One that raises is replaced by what its
source shows: the modules that it includes, and the pages that it names.
"""

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from importlib import import_module
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from django.conf import settings as django_settings
from django.urls import URLPattern, URLResolver, get_resolver

from carveout.carving.survey.facts import Call, Facts
from carveout.carving.survey.project import Project
from carveout.carving.survey.unread import RAISED, URL, URLS, attributes
from carveout.carving.survey.url_source import PATHS, read
from carveout.carving.survey.url_values import UNKNOWN, loaded
from carveout.conf.code_locations import find_module


def root_patterns(project: Project) -> list[Any]:
    """The patterns of ROOT_URLCONF, loaded once for a project."""
    if project.url_patterns is None:
        try:
            project.url_patterns = list(get_resolver().url_patterns)
        except RAISED:  # now each module is loaded alone
            project.url_patterns = _OneByOne(project).root()
    return project.url_patterns


def walk(patterns: Any, project: Project, way: tuple[URLResolver, ...] = ()) -> Iterator[Any]:
    """Each pattern, and the resolvers that lead to it; only what raises is left out."""
    for each in patterns:
        if isinstance(each, URLResolver):
            with project.gaps.around(URLS, included(each) or str(each.pattern)):
                yield from walk(list(each.url_patterns), project, (*way, each))
        elif isinstance(each, URLPattern):
            yield each, way


def guarded(each: URLPattern, project: Project) -> Any:
    """A context manager that notes what a pattern, or its view, raises."""
    return project.gaps.around(URL, str(attributes(each).get("name") or each.pattern))


def included(resolver: URLResolver) -> str:
    """The module that a resolver includes; empty if it has its own list of patterns."""
    module = attributes(resolver.urlconf_name).get("__name__", resolver.urlconf_name)
    return module if isinstance(module, str) else ""


class _OneByOne:
    def __init__(self, project: Project) -> None:
        self.project = project
        self._seen: set[str] = set()
        self._stand_ins = ExitStack()

    def root(self) -> list[Any]:
        name = str(django_settings.ROOT_URLCONF)
        with self._stand_ins:
            self._load(name)
            return list(getattr(sys.modules.get(name), "urlpatterns", ()))

    def _load(self, name: str, *, included: bool = True) -> None:
        """Loads a module and those that it needs, or puts stand-ins into sys.modules.

        included: by a resolver, which takes its `urlpatterns`; else only imported.
        """
        self._seen.add(name)
        source, facts = self._source(name)
        for inner in self._not_seen(_includes(facts)):
            self._load(inner)
        for inner in self._not_seen(self._imported(facts)):
            self._load(inner, included=False)
        with self.project.gaps.around(URLS, name):
            module = _import(name)
            if included:
                list(module.urlpatterns)  # may be lazy, and raise
            return
        self._replace(name, source, facts)

    def _replace(self, name: str, source: bytes, facts: Facts) -> None:
        """Puts a stand-in where imports find a module."""
        stand_in = ModuleType(name)
        with self.project.gaps.around(URLS, name):
            vars(stand_in).update(read(source, facts) if source else {"app_name": UNKNOWN})
        vars(stand_in)["__getattr__"] = partial(_attribute, stand_in, facts)
        sys.modules[name] = stand_in
        self._stand_ins.callback(sys.modules.pop, name, None)
        package, _, last = name.rpartition(".")
        if around := sys.modules.get(package):
            vars(around)[last] = stand_in
            self._stand_ins.callback(vars(around).pop, last, None)

    def _not_seen(self, names: Iterable[str]) -> Iterator[str]:
        return (each for each in names if each not in self._seen)

    def _imported(self, facts: Facts) -> list[str]:
        """The project's URL modules that a module imports: if one raises, so does the module."""
        names = {each.module for each in facts.imports}
        names |= {f"{each.module}.{each.name}" for each in facts.imports}
        ours = [name for name in sorted(names) if self.project.app_of(name)]
        return [name for name in ours if _has_pages(self._source(name)[1])]

    def _source(self, name: str) -> tuple[bytes, Facts]:
        """A module's text and facts; empty ones if it has no text, or is no Python."""
        spec = find_module(name)
        with suppress(OSError, SyntaxError, ValueError, RecursionError):
            if spec and spec.origin and spec.origin.endswith(".py"):
                path, package = Path(spec.origin), bool(spec.submodule_search_locations)
                content = path.read_bytes()
                alias = self.project.alias
                return content, self.project.cache.facts(content, name, package, alias)
        return b"", Facts(name)


def _import(name: str) -> ModuleType:
    """Imports a URL module; without running its package, if that is what raises."""
    package = name.rpartition(".")[0]
    try:
        return import_module(name)
    except RAISED:
        spec = find_module(package) if package and package not in sys.modules else None
        if not spec:
            raise
        sys.modules[package] = module_from_spec(spec)  # its code does not run
        try:
            return import_module(name)
        finally:
            del sys.modules[package]


def _attribute(stand_in: ModuleType, facts: Facts, name: str) -> Any:
    """What others import from a stand-in that its source does not define: a module, or a list."""
    if name.startswith("__") or name == "app_name":  # Python and `include` ask for these
        raise AttributeError(name)
    inner = f"{stand_in.__name__}.{name}"
    named = facts.names.get(name, inner)
    found = sys.modules.get(inner, None if named == inner else loaded(named))
    return [] if found is None else found


def _has_pages(facts: Facts) -> bool:
    return any(_last(facts, call) in PATHS for call in facts.calls)


def _last(facts: Facts, call: Call) -> str:
    """The name of a function where it is defined."""
    return facts.resolve(call.name).rpartition(".")[2]


def _includes(facts: Facts) -> Iterator[str]:
    """The modules that a module includes."""
    for call in facts.calls:
        given = [*call.arguments[:1], call.keywords.get("arg", "")][0]
        name = given.partition(" ")[0]  # the rest is its namespace
        if name.startswith("="):
            name = facts.resolve(name[1:])
        if _last(facts, call) == "include" and name and find_module(name):
            yield name
