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
from django.urls.resolvers import RoutePattern

from carveout.carving.survey.facts import Call, Facts
from carveout.carving.survey.project import Project
from carveout.carving.survey.unread import RAISED, URL, URLS, attributes
from carveout.conf.code_locations import find_module

PATHS = {"path", "re_path", "url"}


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
        facts = self._facts(name)
        includes = list(_includes(facts)) if facts else []
        for inner in self._not_seen(each for each, _ in includes):
            self._load(inner)
        for inner in self._not_seen(self._imported(facts) if facts else ()):
            self._load(inner, included=False)
        with self.project.gaps.around(URLS, name):
            module = _import(name)
            if included:
                list(module.urlpatterns)  # may be lazy, and raise
            return
        self._replace(name, facts, includes)

    def _replace(self, name: str, facts: Facts | None, includes: list[tuple[str, str]]) -> None:
        """Puts a stand-in where imports find a module. Each of its lists has all its patterns."""
        stand_in = ModuleType(name)
        patterns = [
            *(_resolver(*each) for each in includes if each[0] in sys.modules),
            *(_patterns(facts) if facts else ()),
        ]
        if facts and (app_name := _assigned_text(facts, "app_name")):
            vars(stand_in)["app_name"] = app_name
        vars(stand_in)["urlpatterns"] = patterns
        vars(stand_in)["__getattr__"] = partial(_attribute, stand_in)
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
        return [name for name in ours if _has_pages(self._facts(name))]

    def _facts(self, name: str) -> Facts | None:
        spec = find_module(name)
        with suppress(OSError):
            if spec and spec.origin and spec.origin.endswith(".py"):
                path, package = Path(spec.origin), bool(spec.submodule_search_locations)
                content = path.read_bytes()
                return self.project.cache.facts(content, name, package, self.project.alias)
        return None


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


def _attribute(stand_in: ModuleType, name: str) -> Any:
    """What others import from a stand-in: a module below it, or some list of patterns."""
    if name.startswith("__") or name == "app_name":  # Python and `include` ask for these
        raise AttributeError(name)
    return sys.modules.get(f"{stand_in.__name__}.{name}", vars(stand_in)["urlpatterns"])


def _has_pages(facts: Facts | None) -> bool:
    return facts is not None and any(call.last in PATHS for call in facts.calls)


def _includes(facts: Facts) -> Iterator[tuple[str, str]]:
    """The modules that a module includes, and their namespaces."""
    for call in facts.calls:
        given = call.arguments[0] if call.last == "include" and call.arguments else ""
        name, _, app_name = given.partition(" ")
        if name.startswith("="):
            name = facts.resolve(name[1:])
        if name and find_module(name):
            yield name, call.keywords.get("namespace", app_name)


def _resolver(name: str, namespace: str) -> URLResolver:
    module = sys.modules[name]
    app_name = attributes(module).get("app_name")
    return URLResolver(RoutePattern(""), module, app_name=app_name, namespace=namespace or app_name)


def _patterns(facts: Facts) -> Iterator[Any]:
    """The pages that a module names, and loaded lists of pages, such as the admin's."""
    for call in facts.calls:
        given = [*call.arguments[1:2], call.keywords.get("view", "")][0]
        # Patterns that are appended to a list often depend on a setting.
        if call.last in PATHS and given.startswith("=") and call.place.assigned:
            yield from _pattern(call, facts.resolve(given[1:]))


def _pattern(call: Call, view: str) -> Iterator[Any]:
    name = call.keywords.get("name", "")
    pages = _loaded(view) if view.endswith(".urls") else None
    if isinstance(pages, tuple) and len(pages) == 3:
        yield URLResolver(RoutePattern(""), pages[0], app_name=pages[1], namespace=pages[2])
    elif name and not name.startswith("="):
        module, _, last = view.removesuffix(".as_view()").rpartition(".")
        stands_for = partial(str)
        vars(stands_for).update(__module__=module, __qualname__=last)
        yield URLPattern(RoutePattern(""), stands_for, name=name)


def _loaded(name: str) -> Any:
    module, *rest = name.split(".")
    found: Any = None
    with suppress(Exception):  # the project's own modules may raise anything
        found = sys.modules[module]
        for part in rest:
            module = f"{module}.{part}"
            found = sys.modules[module] if module in sys.modules else getattr(found, part)
    return found


def _assigned_text(facts: Facts, name: str) -> str | None:
    text = facts.strings.get(f":{name}")
    return text.value if text else None
