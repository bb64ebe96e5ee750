"""Templates that use another app's: tags, includes, parents, pages by name, rows by accessor."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings
from django.template.backends.django import get_installed_libraries
from django.template.base import Lexer, Token, TokenType

from carveout.survey.coupling import Coupling
from carveout.survey.models import Models
from carveout.survey.project import SHELL, Project
from carveout.survey.urls import Names

KIND = "template"
QUOTED_INSIDE = re.compile(r"""(["']).*?\1""")
QUOTED = re.compile(r"""^["'](.+)["']$""")
ATTRIBUTES = re.compile(r"[A-Za-z_]\w*(?:\.\w+)+")


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


def templates(found: Templates, names: Names, models: Models) -> Iterator[Coupling]:
    for template in found:
        try:
            text = template.path.read_text()
        except (UnicodeDecodeError, OSError):
            continue
        for token in _outside_comments(Lexer(text).tokenize()):
            for kind, form, target, symbol in _uses(token, template.app, found, names, models):
                if target != template.app and found.project.is_own(target):
                    yield _coupling(template, token, kind, form, target, symbol, found)


def _outside_comments(tokens: list[Token]) -> Iterator[Token]:
    inside = False
    for token in tokens:
        if token.token_type == TokenType.BLOCK and token.contents.split()[:1] == ["comment"]:
            inside = True
        elif token.token_type == TokenType.BLOCK and token.contents.startswith("endcomment"):
            inside = False
        elif not inside and token.token_type in (TokenType.BLOCK, TokenType.VAR):
            yield token


Use = tuple[str, str, str, str]
"""Kind, form, the target's app and its symbol."""


def _uses(token: Token, app: str, found: Templates, names: Names, models: Models) -> Iterator[Use]:
    if token.token_type == TokenType.BLOCK:
        tag, *bits = token.split_contents() or [""]
        if tag == "load":
            yield from _loads(bits, found)
        elif tag in ("include", "extends") and bits:
            yield from _templates(tag, bits[0], found)
        elif tag == "url" and bits:
            quoted = QUOTED.match(bits[0])
            for owner in names.get(quoted[1], ()) if quoted else ():
                yield "url", "url tag", owner, quoted[1] if quoted else ""
    yield from _walked(token.contents, app, models)


def _loads(bits: list[str], found: Templates) -> Iterator[Use]:
    libraries = bits[-1:] if "from" in bits else bits
    for name in libraries:
        module = found.libraries.get(name, "")
        yield KIND, "load", found.project.app_of(module), module


def _templates(tag: str, bit: str, found: Templates) -> Iterator[Use]:
    quoted = QUOTED.match(bit)
    for template in found.by_name.get(quoted[1], [])[:1] if quoted else ():
        yield KIND, tag, template.app, template.name


def _walked(contents: str, app: str, models: Models) -> Iterator[Use]:
    for chain in ATTRIBUTES.findall(QUOTED_INSIDE.sub("", contents)):
        variable, *steps = chain.split(".")
        model = models.meant(variable, app)
        for reached, symbol, form in models.walk(model, steps) if model else ():
            yield "query", form, reached._meta.app_label, symbol


def _coupling(
    template: Template,
    token: Token,
    kind: str,
    form: str,
    target: str,
    symbol: str,
    found: Templates,
) -> Coupling:
    return Coupling(
        kind=kind,
        form=form,
        source=template.app,
        source_symbol=template.name,
        file=found.project.file(template.path),
        line=token.lineno or 0,
        target=target,
        target_symbol=symbol,
        sure=kind != "query",
    )


def _folders(project: Project) -> Iterator[tuple[Path, str]]:
    """Where templates lie, in the order in which Django looks."""
    for engine in _engines():
        for folder in map(Path, engine.get("DIRS", ())):
            resolved = folder.resolve()
            if resolved.is_dir() and resolved.is_relative_to(project.root):
                yield resolved, SHELL
    for label in project.own:
        folder = project.apps[label].path / "templates"
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
