"""Templates that use another app's: tags, includes, parents, pages by name, rows by accessor."""

import re
from collections.abc import Iterator
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings as django_settings
from django.db.models import Model
from django.template.backends.django import get_installed_libraries
from django.template.base import Token, TokenType

from carveout.survey.coupling import Coupling
from carveout.survey.kinds.urls import Names
from carveout.survey.kinds.urls import symbol as page_symbol
from carveout.survey.models import Models
from carveout.survey.project import SHELL, Project
from carveout.survey.rows import Rows

KIND = "template"
QUOTED_INSIDE = re.compile(r"""(["']).*?\1""")
FILTER = re.compile(r"\|(\w+)")
QUOTED = re.compile(r"""^["'](.+)["']$""")
LOOP = re.compile(r"for (\w+) in ([\w.]+)")
PERMISSION = re.compile(r"\bperms\.(\w+)(?:\.(\w+))?")
USER_OF_REQUEST = re.compile(r"^request\.user\.")
ATTRIBUTES = re.compile(r"[A-Za-z_]\w*(?:\.\w+)+")

Variables = dict[str, type[Model]]
"""What the loops of a template have named so far."""


class Use(NamedTuple):
    """What a tag or a variable needs: the kind and form, the app and the symbol."""

    kind: str
    form: str
    app: str
    symbol: str
    sure: bool = True


class Template:
    """One file: the name that it is loaded by, and its app."""

    def __init__(self, name: str, path: Path, app: str) -> None:
        self.name = name
        self.path = path
        self.app = app


class Templates:
    """First-party templates by name; the first that Django would find comes first."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.by_name: dict[str, list[Template]] = {}
        self._in_apps: set[Path] = set()
        for folder, app in _folders(project):
            for path in sorted(folder.rglob("*")):
                if path.is_file() and path.suffix not in (".pyc", ".png", ".jpg", ".gif"):
                    self._take(path.relative_to(folder).as_posix(), path, app)

    @cached_property
    def libraries(self) -> dict[str, str]:
        """Raises what importing one of them raises."""
        return _libraries()

    @cached_property
    def built_in(self) -> dict[str, str]:
        return _built_in_names()

    def _take(self, name: str, path: Path, app: str) -> None:
        if app != SHELL:
            self._in_apps.add(path)
        first = name.partition("/")[0]
        if app == SHELL and self.project.is_own(first):
            app = first  # templates/orders/… beside the apps are those of orders
        self.by_name.setdefault(name, []).append(Template(name, path, app))

    def owner(self, name: str, app: str) -> str:
        """The app whose template an app means by this name: its own, even where that never shows.

        Empty: no first-party app has one.
        """
        apps = [template.app for template in self.by_name.get(name, ())]
        return app if app in apps else next(iter(apps), "")

    def owner_of_file(self, name: str, app: str) -> str:
        """The app that has this static file: its own, else the first that Django would find."""
        having = (
            label
            for label in [app, *self.project.own]
            if label in self.project.apps
            and (self.project.apps[label].path / "static" / name).is_file()
        )
        return next(having, "")

    def third_party(self, template: Template) -> Iterator[tuple[str, str]]:
        """Third-party apps with a template of this name that Django finds later, and its place."""
        labels = list(self.project.apps)
        own = template.app if template.path in self._in_apps else SHELL
        after = labels[labels.index(own) :] if own in labels else labels
        for label in after:
            app = self.project.apps[label]
            if not app.own and (app.path / "templates" / template.name).is_file():
                yield label, f"{app.module}/templates/{template.name}"

    def __iter__(self) -> Iterator[Template]:
        return (each for several in self.by_name.values() for each in several)


def templates(found: Templates, names: Names, models: Models, rows: Rows) -> Iterator[Coupling]:
    for template in found:
        try:
            marks = found.project.cache.marks(template.path.read_bytes())
        except (UnicodeDecodeError, OSError):
            continue
        variables: Variables = {"user": models.user} if models.user else {}
        for token in (mark.token() for mark in marks):
            uses = [
                *_tags(token, template.app, found, names),
                *_permissions(token.contents, models),
            ]
            uses += _walked(token.contents, template.app, models, rows, variables)
            for use in uses:
                if use.app != template.app and found.project.is_own(use.app):
                    yield _coupling(template, token, use, found)


def _tags(token: Token, app: str, found: Templates, names: Names) -> Iterator[Use]:
    for module in _built_in(token, found):
        yield Use(KIND, "tag", found.project.app_of(module), module)
    if token.token_type != TokenType.BLOCK:
        return
    tag, *bits = token.split_contents() or [""]
    quoted = QUOTED.match(bits[0]) if bits else None
    if tag == "load":
        for name in bits[-1:] if "from" in bits else bits:
            module = found.libraries.get(name, "")
            yield Use(KIND, "load", found.project.app_of(module), module)
    elif tag in ("include", "extends") and quoted:
        yield Use(KIND, tag, found.owner(quoted[1], app), quoted[1])
    elif tag == "static" and quoted:
        yield Use(KIND, tag, found.owner_of_file(quoted[1], app), quoted[1])
    elif tag == "url" and quoted:
        for owner in names.get(quoted[1], ()):
            yield Use("url", "url tag", owner, page_symbol(owner, quoted[1]))


def _built_in(token: Token, found: Templates) -> Iterator[str]:
    """Modules of the tags and filters that settings make part of every template."""
    words = FILTER.findall(QUOTED_INSIDE.sub("", token.contents))
    if token.token_type == TokenType.BLOCK:
        words += token.contents.split(maxsplit=1)[:1]
    yield from (found.built_in[each] for each in words if each in found.built_in)


def _permissions(contents: str, models: Models) -> Iterator[Use]:
    """`perms.orders.ship_order`, or only whether there is any: `perms.orders`."""
    for app, codename in PERMISSION.findall(contents):
        name = f"{app}.{codename}".rstrip(".")
        if app in models.project.apps:
            yield Use("string", "permission", app, name, not codename or name in models.permissions)


def _walked(
    contents: str, app: str, models: Models, rows: Rows, variables: Variables
) -> Iterator[Use]:
    """Relations that the attributes of variables lead over; loops name further variables."""
    loop = LOOP.match(contents)
    for chain in ATTRIBUTES.findall(QUOTED_INSIDE.sub("", contents)):
        variable, *steps = USER_OF_REQUEST.sub("user.", chain).split(".")
        model = variables.get(variable) or rows.guess(variable, app)
        for step in steps:
            relation = models.relation(model, step) if model else None
            if relation:
                model = relation.model
                if relation.declared_by != app:
                    yield Use("query", "walk", model._meta.app_label, model._meta.label, False)
            else:
                model = rows.after(model, step)
        if loop and loop[2] == chain and model:
            variables[loop[1]] = model


def _coupling(template: Template, token: Token, use: Use, found: Templates) -> Coupling:
    return Coupling(
        kind=use.kind,
        form=use.form,
        source=template.app,
        source_symbol=template.name,
        file=found.project.file(template.path),
        line=token.lineno or 0,
        target=use.app,
        target_symbol=use.symbol,
        sure=use.sure,
    )


def _folders(project: Project) -> Iterator[tuple[Path, str]]:
    """Where templates lie, in the order in which Django looks."""
    for engine in _engines():
        for folder in map(Path, engine.get("DIRS", ())):
            resolved = folder.resolve()
            if resolved.is_dir() and resolved.is_relative_to(project.root):
                yield resolved, SHELL
    for label in project.own:
        for folder in (project.apps[label].path / name for name in ("templates", "jinja2")):
            if folder.is_dir():
                yield folder, label


def _engines() -> list[dict[str, Any]]:
    return django_settings.TEMPLATES


def _libraries() -> dict[str, str]:
    """Tag libraries by the name that templates load them by, and their modules."""
    libraries = dict(get_installed_libraries())
    for engine in _engines():
        libraries |= engine.get("OPTIONS", {}).get("libraries", {})
    return libraries


def _built_in_names() -> dict[str, str]:
    """Tags and filters that templates have without a load, and the modules they are from."""
    found: dict[str, str] = {}
    for engine in _engines():
        for module in engine.get("OPTIONS", {}).get("builtins", ()):
            library = _library(module)
            for name in [*getattr(library, "tags", ()), *getattr(library, "filters", ())]:
                found[name] = module
    return found


def _library(module: str) -> Any:
    """None if it can't be loaded, and then no template of its engine can be shown."""
    try:
        return import_module(module).register
    except Exception:  # whatever their own modules raise
        return None
