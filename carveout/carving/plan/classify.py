"""Classifies couplings more finely than by form, as far as names and locations allow."""

from django.apps import apps as registry

from carveout.carving.survey.coupling import EVERY, Coupling
from carveout.carving.survey.import_uses import CALLS, RESULTS, STAR, WAYS

OF_MODULES = {"models": "of models", "signals": "of signals", "urls": "of urls"}
HELPERS = {
    *("checks", "compat", "conf", "constants", "decorators", "enums", "exceptions", "fields"),
    *("formats", "forms", "helper", "helpers", "lib", "middleware", "middlewares", "mixins"),
    *("templatetags", "types", "util", "utils", "validators", "widgets"),
}
"""Modules that by convention hold functions and classes that touch no rows."""
QUESTIONS = ("get_", "find_", "list_", "count_", "is_", "has_", "can_", "calculate_")
"""Prefixes of functions that are called for their return value."""


def classify(coupling: Coupling, shared: bool) -> str:
    """The form by which the rule for this coupling is found.

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
    if coupling.details.get("of"):
        return "of others"
    if registry.apps_ready and registry.is_installed(coupling.target_symbol):
        return "of an app"
    return "get_class" if _is_class(coupling.target_symbol) else coupling.form


def _imported(coupling: Coupling, shared: bool) -> str:
    """What is imported, judged by its module and by how the names are written."""
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
    if not names:
        return ""
    if all(name.startswith(QUESTIONS) for name in names):
        return "of questions"
    ways = {way for each in names for way in _ways(each, coupling)}
    if CALLS in ways:
        return "of functions"
    return "of results" if RESULTS in ways else "at start-up"


def needed(coupling: Coupling) -> tuple[list[str], list[str]]:
    """What an import needs of a module: constants, and everything else."""
    constants = coupling.listed("constants")
    known = {each.partition(".")[0] for each in constants}
    names = coupling.listed("names")
    if names in ([], [STAR]):
        names = coupling.listed("used")
    constants += [each for each in names if each.isupper() and each not in known]
    return sorted(constants), [each for each in names if not each.isupper() and each not in known]


def _is_called_on(name: str, coupling: Coupling) -> bool:
    """Whether methods of this class are called. If so, it is cut as a function is."""
    return any(f".{name}." in each for way in WAYS for each in coupling.listed(way))


def _ways(name: str, coupling: Coupling) -> set[str]:
    """How this function, or the methods of this class, are called; as `calls` if unknown."""
    known = {way for way in WAYS for each in coupling.listed(way) if f".{name}." in f"{each}."}
    return known or {CALLS}


def _is_class(name: str) -> bool:
    return name.rpartition(".")[2][:1].isupper()
