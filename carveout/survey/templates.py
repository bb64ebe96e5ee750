"""Templates that use another app's: tags, includes, parents, pages by name, rows by accessor."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings as django_settings
from django.db.models import Model
from django.template.backends.django import get_installed_libraries
from django.template.base import Lexer, Token, TokenType

from carveout.survey.coupling import Coupling
from carveout.survey.models import Models
from carveout.survey.project import SHELL, Project
from carveout.survey.rows import Rows
from carveout.survey.urls import Names
from carveout.survey.urls import symbol as page_symbol

KIND = "template"
QUOTED_INSIDE = re.compile(r"""(["']).*?\1""")
QUOTED = re.compile(r"""^["'](.+)["']$""")
LOOP = re.compile(r"for (\w+) in ([\w.]+)")
PERMISSION = re.compile(r"\bperms\.(\w+\.\w+)")
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
        self.libraries = _libraries()
        for folder, app in _folders(project):
            for path in sorted(folder.rglob("*")):
                if path.is_file() and path.suffix not in (".pyc", ".png", ".jpg", ".gif"):
                    self._take(path.relative_to(folder).as_posix(), path, app)

    def _take(self, name: str, path: Path, app: str) -> None:
        first = name.partition("/")[0]
        if app == SHELL and self.project.is_own(first):
            app = first  # templates/orders/… beside the apps are those of orders
        self.by_name.setdefault(name, []).append(Template(name, path, app))

    def __iter__(self) -> Iterator[Template]:
        return (each for several in self.by_name.values() for each in several)


def templates(project: Project, names: Names, models: Models, rows: Rows) -> Iterator[Coupling]:
    found = Templates(project)
    for template in found:
        try:
            text = template.path.read_text()
        except (UnicodeDecodeError, OSError):
            continue
        variables: Variables = {"user": models.user} if models.user else {}
        for token in _outside_comments(Lexer(text).tokenize()):
            uses = [*_tags(token, found, names), *_permissions(token.contents, models)]
            uses += _walked(token.contents, template.app, models, rows, variables)
            for use in uses:
                if use.app != template.app and found.project.is_own(use.app):
                    yield _coupling(template, token, use, found)


def _outside_comments(tokens: list[Token]) -> Iterator[Token]:
    inside = False
    for token in tokens:
        if token.token_type == TokenType.BLOCK and token.contents.split()[:1] == ["comment"]:
            inside = True
        elif token.token_type == TokenType.BLOCK and token.contents.startswith("endcomment"):
            inside = False
        elif not inside and token.token_type in (TokenType.BLOCK, TokenType.VAR):
            yield token


def _tags(token: Token, found: Templates, names: Names) -> Iterator[Use]:
    if token.token_type != TokenType.BLOCK:
        return
    tag, *bits = token.split_contents() or [""]
    quoted = QUOTED.match(bits[0]) if bits else None
    if tag == "load":
        for name in bits[-1:] if "from" in bits else bits:
            module = found.libraries.get(name, "")
            yield Use(KIND, "load", found.project.app_of(module), module)
    elif tag in ("include", "extends") and quoted:
        for template in found.by_name.get(quoted[1], [])[:1]:
            yield Use(KIND, tag, template.app, template.name)
    elif tag == "url" and quoted:
        for app in names.get(quoted[1], ()):
            yield Use("url", "url tag", app, page_symbol(app, quoted[1]))


def _permissions(contents: str, models: Models) -> Iterator[Use]:
    for name in PERMISSION.findall(contents):
        if name in models.permissions:
            yield Use("string", "permission", models.permissions[name]._meta.app_label, name)


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
                    yield Use("query", "walk", model._meta.app_label, model._meta.label)
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
        sure=use.kind != "query",
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
