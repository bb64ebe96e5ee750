"""Finds what templates use of other apps: tags, includes, parents, URL names and related rows."""

import re
from collections.abc import Iterator
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import walk_packages
from typing import Any, NamedTuple

from django.apps import apps as registry
from django.conf import settings as django_settings
from django.db.models import Model
from django.template.base import Token, TokenType

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.kinds.template_contexts import Contexts, contexts
from carveout.carving.survey.kinds.url_names import Names
from carveout.carving.survey.kinds.url_names import symbol as page_symbol
from carveout.carving.survey.model_index import Models, Reached
from carveout.carving.survey.model_inference import Rows
from carveout.carving.survey.module_files import files_below
from carveout.carving.survey.project import SHELL, Project
from carveout.carving.survey.template_loaders import AskedLoaders, ask
from carveout.carving.survey.unread import TAGS, TEMPLATE, Gaps

KIND = "template"
QUOTED_INSIDE = re.compile(r"""(["']).*?\1""")
FILTER = re.compile(r"\|(\w+)")
QUOTED = re.compile(r"""^["'](.+)["']$""")
LABEL = re.compile(r"""["']([a-z]\w*\.[a-z]\w*)["']""")
CHOOSING = {"if", "elif", "with"}
LOOP = re.compile(r"for (\w+) in ([\w.]+)")
PERMISSION = re.compile(r"\bperms\.(\w+)(?:\.(\w+))?")
USER_OF_REQUEST = re.compile(r"^request\.user\.")
ATTRIBUTES = re.compile(r"[A-Za-z_]\w*(?:\.\w+)+")

RENAMED = re.compile(r"\b(\w+)=|\bas (\w+)|^for ([\w, ]+) in ")


class Variables:
    """The models of a template's variables. Those that code passes, and loops over them, are sure.

    Another loop may use the same name for something else.
    """

    def __init__(self, passed: dict[str, type[Model]], user: type[Model] | None) -> None:
        self._named: dict[str, tuple[type[Model] | None, bool]] = {"user": (user, False)}
        self._named |= {name: (model, True) for name, model in passed.items()}

    def of(self, variable: str) -> tuple[type[Model] | None, bool]:
        """A variable's model, and whether that is sure."""
        return self._named.get(variable, (None, False))

    def name(self, variable: str, model: type[Model] | None, sure: bool) -> None:
        if model is not None:
            self._named[variable] = model, sure

    def forget(self, variables: list[str]) -> None:
        """Drops sure variables: from here on the names may stand for something else."""
        for each in variables:
            if self._named.get(each, (None, False))[1]:
                del self._named[each]


class Needed(NamedTuple):
    """What a tag or a variable needs: the kind and form, the app, and the symbol."""

    kind: str
    form: str
    app: str
    symbol: str
    sure: bool = True


class Template:
    """One template file: the name that loads it, and its app."""

    def __init__(self, name: str, path: Path, app: str) -> None:
        self.name = name
        self.path = path
        self.app = app


class Templates:
    """First-party templates by name, in the order in which Django finds them."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.by_name: dict[str, list[Template]] = {}
        self._in_apps: set[Path] = set()
        self.asked = ask()
        for folder, app in _folders(project, self.asked):
            for path in files_below(folder, project):
                if path.suffix not in (".pyc", ".png", ".jpg", ".gif"):
                    self._take(path.relative_to(folder).as_posix(), path, app)

    @cached_property
    def libraries(self) -> dict[str, str]:
        return _libraries(self.project.gaps)

    @cached_property
    def built_in(self) -> dict[str, str]:
        return _built_in_names(self.project.gaps)

    def _take(self, name: str, path: Path, app: str) -> None:
        if app != SHELL:
            self._in_apps.add(path)
        first = name.partition("/")[0]
        if app == SHELL and self.project.is_own(first):
            app = first  # templates/orders/… outside of the apps belong to orders
        self.by_name.setdefault(name, []).append(Template(name, path, app))

    def owner(self, name: str, app: str) -> str:
        """The app whose template an app means by this name: its own, even if another one hides it.

        Empty: no first-party app has one.
        """
        apps = [template.app for template in self.by_name.get(name, ())]
        return app if app in apps else next(iter(apps), "")

    def owner_of_file(self, name: str, app: str) -> str:
        """The app with this static file: the given app, else the first that Django would find."""
        having = (
            label
            for label in [app, *self.project.own]
            if label in self.project.apps
            and (self.project.apps[label].path / "static" / name).is_file()
        )
        return next(having, "")

    def exists(self, name: str) -> bool:
        """Is there such a template in any known folder, third-party ones included?"""
        of_apps = [
            app.path / each for app in self.project.apps.values() for each in self.asked.of_apps
        ]
        folders = (*self.asked.folders, *of_apps)
        return name in self.by_name or any((each / name).is_file() for each in folders)

    def third_party(self, template: Template) -> Iterator[tuple[str, str]]:
        """Third-party apps with a template of this name that Django finds later, and its path."""
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
    passed = contexts(rows.sources, models, rows)
    yield from found.project.gaps.each(
        TEMPLATE,
        found,
        lambda template: found.project.file(template.path),
        lambda template: _of_template(template, found, names, rows, passed),
    )


def _of_template(
    template: Template, found: Templates, names: Names, rows: Rows, passed: Contexts
) -> Iterator[Coupling]:
    models = rows.models
    marks = found.project.cache.marks(template.path.read_bytes())
    variables = Variables(passed.get(template.name, {}), models.user)
    for token in (mark.token() for mark in marks):
        uses = [
            *_tags(token, template.app, found, names),
            *_labels(token, models),
            *_permissions(token.contents, models),
        ]
        uses += _walked(token.contents, template.app, models, rows, variables)
        for use in uses:
            if use.app != template.app and found.project.is_own(use.app):
                yield _coupling(template, token, use, found)


def _tags(token: Token, app: str, found: Templates, names: Names) -> Iterator[Needed]:
    for module in _built_in(token, found):
        yield Needed(KIND, "tag", found.project.app_of(module), module)
    if token.token_type != TokenType.BLOCK:
        return
    tag, *bits = token.split_contents() or [""]
    quoted = QUOTED.match(bits[0]) if bits else None
    if tag == "load":
        for name in bits[-1:] if "from" in bits else bits:
            module = found.libraries.get(name, "")
            yield Needed(KIND, "load", found.project.app_of(module), module)
    elif tag in ("include", "extends") and quoted:
        yield Needed(KIND, tag, found.owner(quoted[1], app), quoted[1])
    elif tag == "static" and quoted:
        yield Needed(KIND, tag, found.owner_of_file(quoted[1], app), quoted[1])
    elif tag == "url" and quoted:
        for owner in names.get(quoted[1], ()):
            yield Needed("url", "url tag", owner, page_symbol(owner, quoted[1]))


def _built_in(token: Token, found: Templates) -> Iterator[str]:
    """The modules of the built-in tags and filters, by settings, that a token uses."""
    words = FILTER.findall(QUOTED_INSIDE.sub("", token.contents))
    if token.token_type == TokenType.BLOCK:
        words += token.contents.split(maxsplit=1)[:1]
    yield from (found.built_in[each] for each in words if each in found.built_in)


def _permissions(contents: str, models: Models) -> Iterator[Needed]:
    """For `perms.orders.ship_order`, or any permission of an app: `perms.orders`."""
    for app, codename in PERMISSION.findall(contents):
        name = f"{app}.{codename}".rstrip(".")
        if app in models.project.apps:
            yield Needed(
                "string", "permission", app, name, not codename or name in models.permissions
            )


def _labels(token: Token, models: Models) -> Iterator[Needed]:
    """For `{% if row.kind == "orders.order" %}`."""
    words = token.contents.split(maxsplit=1) if token.token_type == TokenType.BLOCK else []
    for label in LABEL.findall(words[1]) if words[1:] and words[0] in CHOOSING else ():
        model = models.by_label.get(label)
        if model:
            yield Needed("string", "model label", model._meta.app_label, model._meta.label)


def _walked(
    contents: str, app: str, models: Models, rows: Rows, variables: Variables
) -> Iterator[Needed]:
    for relation, sure, _ in _followed(contents, app, models, rows, variables):
        if relation.declared_by != app:
            label = relation.model._meta.label
            yield Needed("query", "walk", relation.model._meta.app_label, label, sure)


def _followed(
    contents: str, app: str, models: Models, rows: Rows, variables: Variables
) -> Iterator[tuple[Reached, bool, str]]:
    """Relations that attributes of variables follow, and the chain; loops add variables."""
    loop = LOOP.match(contents)
    looped = variables.of(loop[2]) if loop else (None, False)
    plain = QUOTED_INSIDE.sub("", contents)
    for chain in ATTRIBUTES.findall(plain):
        variable, *steps = USER_OF_REQUEST.sub("user.", chain).split(".")
        model, sure = variables.of(variable)
        model = model or rows.guess(variable, app)
        for step in steps:
            relation = models.relation(model, step) if model else models.set_of(step)
            if relation:
                model = relation.model
                yield relation, sure, chain
            else:
                model = rows.after(model, step)
        if loop and loop[2] == chain:
            looped = model, sure
    for names in RENAMED.findall(plain):
        variables.forget("".join(names).replace(",", " ").split())
    if loop:
        variables.name(loop[1], *looped)


class Walk(NamedTuple):
    """A relation that a template follows."""

    file: str
    line: int
    template: str
    chain: str
    relation: Reached
    sure: bool


def walks(found: Templates, models: Models, rows: Rows) -> Iterator[Walk]:
    """All relations that first-party templates follow from rows of known models."""
    passed = contexts(rows.sources, models, rows)
    for template in found:
        variables = Variables(passed.get(template.name, {}), models.user)
        for mark in found.project.cache.marks(template.path.read_bytes()):
            token, file = mark.token(), found.project.file(template.path)
            for relation, sure, chain in _followed(
                token.contents, template.app, models, rows, variables
            ):
                yield Walk(file, token.lineno or 0, template.name, chain, relation, sure)


def _coupling(template: Template, token: Token, use: Needed, found: Templates) -> Coupling:
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


def _folders(project: Project, asked: AskedLoaders) -> Iterator[tuple[Path, str]]:
    """Template folders and their apps, in Django's order; last those that no engine reads."""
    in_apps = {
        app.path / name: app for app in project.apps.values() for name in sorted(asked.of_apps)
    }
    named = [Path(each).resolve() for engine in _engines() for each in engine.get("DIRS", ())]
    of_loaders = [folder for folder in map(Path.resolve, asked.folders) if project.holds(folder)]
    own = [folder for folder, app in in_apps.items() if app.own]
    seen: set[Path] = set()
    for folder in [*of_loaders, *named, *own]:
        app = in_apps.get(folder)
        if folder in seen or not folder.is_dir() or not folder.is_relative_to(project.root):
            continue
        seen.add(folder)
        if app is None:
            yield folder, SHELL if folder in named else _holder(folder, project)
        elif app.own:
            yield folder, app.label


def _holder(folder: Path, project: Project) -> str:
    """The innermost app that contains a folder; the shell if none does."""
    paths = {project.apps[label].path: label for label in project.own}
    held = [path for path in paths if folder.is_relative_to(path) and path != project.root]
    return paths[max(held, key=lambda path: len(path.parts))] if held else SHELL


def _engines() -> list[dict[str, Any]]:
    return django_settings.TEMPLATES


def _libraries(gaps: Gaps) -> dict[str, str]:
    """By the name that templates load: the module of a tag library."""
    apps = (f"{each.name}.templatetags" for each in registry.get_app_configs())
    libraries: dict[str, str] = {}
    for package in ("django.templatetags", *apps):
        with gaps.around(TAGS, package):
            libraries |= dict(_in_package(package, gaps))
    for engine in _engines():
        libraries |= engine.get("OPTIONS", {}).get("libraries", {})
    return libraries


def _in_package(package: str, gaps: Gaps) -> Iterator[tuple[str, str]]:
    """Libraries as Django finds them; one that can't be imported keeps its name."""
    if find_spec(package) is None:
        return
    folders = getattr(import_module(package), "__path__", ())
    for each in walk_packages(folders, f"{package}.", onerror=lambda _: None):
        module: Any = None
        with gaps.around(TAGS, each.name):
            module = import_module(each.name)
        if module is None or hasattr(module, "register"):
            yield each.name.removeprefix(f"{package}."), each.name


def _built_in_names(gaps: Gaps) -> dict[str, str]:
    """By tag or filter that templates have without `load`: its module."""
    found: dict[str, str] = {}
    for engine in _engines():
        for module in engine.get("OPTIONS", {}).get("builtins", ()):
            with gaps.around(TAGS, module):  # if it raises, its engine can't render templates
                library = import_module(module).register
                found |= dict.fromkeys([*library.tags, *library.filters], module)
    return found
