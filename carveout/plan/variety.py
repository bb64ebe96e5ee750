"""The variety of a coupling: finer than its form, as far as names and places tell."""

from django.apps import apps as registry

from carveout.survey.coupling import EVERY, Coupling
from carveout.survey.uses import STAR

OF_MODULES = {"models": "of models", "signals": "of signals", "urls": "of urls"}
HELPERS = {
    *("checks", "compat", "conf", "constants", "decorators", "enums", "exceptions", "fields"),
    *("formats", "forms", "helper", "helpers", "lib", "middleware", "middlewares", "mixins"),
    *("templatetags", "types", "util", "utils", "validators", "widgets"),
}
"""Modules that by custom hold functions and classes which touch no rows."""
QUESTIONS = ("get_", "find_", "list_", "count_", "is_", "has_", "can_", "calculate_")
"""How functions begin that are called for their answer."""


def variety(coupling: Coupling, shared: bool) -> str:
    """The form that its way goes by.

    `shared`: many apps import the module that it imports.
    """
    if coupling.in_migrations and coupling.kind in ("import", "string"):
        return "in migrations"
    if coupling.kind == "receiver" and coupling.target == EVERY:
        return "of every app"
    if coupling.kind == "import" and coupling.form != "type checking":
        return _imported(coupling, shared) or coupling.form
    if coupling.form in ("dotted path", "import_string"):
        return _named(coupling)
    return coupling.form


def _named(coupling: Coupling) -> str:
    if registry.apps_ready and registry.is_installed(coupling.target_symbol):
        return "of an app"
    return "get_class" if _is_class(coupling.target_symbol) else coupling.form


def _imported(coupling: Coupling, shared: bool) -> str:
    """What is imported, as far as its module and the way it is written tell."""
    module = coupling.target_symbol.rpartition(".")[2]
    constants, names = needed(coupling)
    if constants and not names:
        return "of constants"
    if module in OF_MODULES and not (
        module == "models" and names and not any(map(_is_class, names))
    ):
        return OF_MODULES[module]
    if shared:
        return "of a library"
    if any(_is_class(each) and not _is_called_on(each, coupling) for each in names):
        return "of classes"
    if HELPERS & {*coupling.target_symbol.split(".")[-2:]}:
        return "of helpers"
    if names and all(name.startswith(QUESTIONS) for name in names):
        return "of questions"
    return "of functions" if names else ""


def needed(coupling: Coupling) -> tuple[list[str], list[str]]:
    """What an import needs of a module: its constants, and all else."""
    constants = coupling.listed("constants")
    known = {each.partition(".")[0] for each in constants}
    names = coupling.listed("names")
    if names in ([], [STAR]):
        names = coupling.listed("used")
    constants += [each for each in names if each.isupper() and each not in known]
    return sorted(constants), [each for each in names if not each.isupper() and each not in known]


def _is_called_on(name: str, coupling: Coupling) -> bool:
    """Are methods of this class called? Then it does something, as a function does."""
    return any(f".{name}." in each for each in coupling.listed("calls"))


def _is_class(name: str) -> bool:
    return name.rpartition(".")[2][:1].isupper()
