"""What is carved: the function, its object, and what identifies what a call is about."""

import ast
import inspect
from collections.abc import Iterator, Mapping
from importlib import import_module

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model

from carveout.carving.carve.arguments import SCALARS, Key, PassedRow
from carveout.carving.carve.callee import (
    Callee,
    MethodClass,
    Unbound,
    callee_of,
    canonical,
    decorated,
    is_method,
)
from carveout.carving.carve.changes import unsaved, unsaved_row
from carveout.carving.carve.fields import Fields, Leaf, Place, Unread, step
from carveout.carving.carve.problem import CarveRefused
from carveout.carving.carve.reached import answer, only_locks
from carveout.carving.carve.reads import function_in
from carveout.carving.survey.dangers.call_graph import Callgraph
from carveout.carving.survey.project import Project
from carveout.carving.survey.sources import SourceFile, loaded_object
from carveout.conf.validation import suggest


def callee_named(graph: Callgraph, name: str) -> Callee:
    sources = graph.sources
    name = canonical(sources, name)
    module = sources.module_of(name)
    source = sources.by_module.get(module)
    inside = name.removeprefix(f"{module}.")
    node = function_in(source, inside) if source and inside != name else None
    if source is None or node is None:
        known = list(source.facts.definitions) if source else [*sources.by_module]
        near = f"{suggest(inside, known)}" if source else suggest(name, known)
        raise CarveRefused(f"There is no function {name!r} in this project. {near}")
    if isinstance(node, ast.AsyncFunctionDef):
        raise CarveRefused(
            f"{source.file}:{node.lineno}: {inside} can't be carved: it is async, and subscribers"
            " are not. Fix: write a plain function, call that, and carve it."
        )
    insist_on_context(sources.project, source.app)
    if answers := answer(graph, name):
        raise CarveRefused(
            f"{source.file}:{node.lineno}: {inside} can't be carved: {answers}, which answers the"
            " request, and an event comes too late for that. Fix: write a function for what it"
            " does afterwards, call that, and carve it."
        )
    if only_locks(node):
        raise CarveRefused(
            f"{source.file}:{node.lineno}: {inside} can't be carved: it locks rows for its caller,"
            " and a subscriber's lock does not last until then. Fix: keep the calls."
        )
    try:
        holder = _holder(graph, name, source, node)
        return callee_of(name, source, sources.project.context_of(source.app), node, holder)
    except Unbound as error:
        raise CarveRefused(
            f"{source.file}:{node.lineno}: {inside} can't be carved: {error}. Fix: write a function"
            " that takes each argument by itself, call that, and carve it."
        ) from error


def _holder(
    graph: Callgraph, name: str, source: SourceFile, node: ast.FunctionDef
) -> MethodClass | None:
    """The class of a method's object; None for a function, a static or a class method.

    Raises: Unbound: a subscriber can't have such an object.
    """
    if not is_method(name, source) or decorated(node) & {"staticmethod", "classmethod"}:
        return None
    class_ = name.rpartition(".")[0]
    model = graph.rows.models.by_class.get(class_)
    inside = name.removeprefix(f"{source.facts.module}.")
    changed = unsaved(source, inside, model is not None)
    if changed and model:
        raise Unbound(f"it changes {changed} of its object, and the caller has to save that")
    if changed:
        raise Unbound(f"it changes {changed} of its object, and a subscriber makes its own")
    if model is not None:
        taken = {each.arg for each in (*node.args.posonlyargs, *node.args.args)}
        parameter = str(model._meta.model_name)
        return MethodClass(class_, model, f"{parameter}_row" if parameter in taken else parameter)
    import_module(source.facts.module)
    made = loaded_object(class_)
    if not isinstance(made, type) or issubclass(made, Model):
        raise Unbound("it is a method of an abstract class, which has no rows")
    try:
        accepted = inspect.signature(made).parameters.values()
        stars = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        named = [each for each in accepted if each.kind not in stars]
        needed = [each.name for each in named if each.default is each.empty]
    except ValueError:  # a class that is not written in Python
        needed = ["?"]
    if needed:
        raise Unbound(
            f"it is a method of an object that is made with {', '.join(needed)}, which a subscriber"
            " does not have"
        )
    return MethodClass(class_)


def insist_on_context(project: Project, app: str) -> None:
    if app not in project.contexts:
        raise CarveRefused(
            f"The app {app!r} is in no context. Add it to CARVEOUT['CONTEXTS'], such as"
            f' "{app}": {{"apps": ["{app}"]}}.'
        )


def key_of(callee: Callee, of: Mapping[str, type[Model] | None], given: str) -> Key:
    """What identifies what a call is about. of: the models by parameter.

    Raises: CarveRefused: it has to be named, or can't be a key.
    """
    if not of:
        raise CarveRefused(
            f"{callee.name} takes no arguments, so nothing identifies what happened, and events"
            " need a key. Fix: publish an event at each call by hand."
        )
    if not given:
        candidates = [name for name, model in of.items() if model is not None]
        candidates = candidates or [name for name in of if _is_identity(callee, name)]
        if len(candidates) != 1:
            which = " or ".join(candidates) or ", ".join(of) or "none"
            raise CarveRefused(
                f"{callee.name}: which of its arguments identifies what happened? Add --key"
                f" PARAMETER.FIELD or --key PARAMETER; its parameters: {which}."
            )
        given = _default_key(candidates[0], of[candidates[0]])
    name, _, attribute = given.partition(".")
    if name not in of:
        raise CarveRefused(f"--key {given}: no parameter is named {name!r}. {suggest(name, of)}")
    model = of[name]
    if not attribute:
        parameter = callee.parameter(name)
        if model is not None:
            raise CarveRefused(f"--key {given}: {name} is an object. Name its field: {name}.pk.")
        type_ = parameter.annotation if parameter else ""
        if name == "request" or (type_ and type_ not in SCALARS):
            kind = type_ or "request"
            raise CarveRefused(
                f"--key {given}: a {kind} identifies nothing. Name another parameter."
            )
        return Key(name, "", type_ if type_ in SCALARS else "int | str")
    if model is None:
        raise CarveRefused(
            f"--key {given}: the model of {name} is not known. Annotate it in {callee.source.file}:"
            f"{callee.node.lineno}."
        )
    return Key(name, attribute, _unique(model, attribute, given))


def _is_identity(callee: Callee, name: str) -> bool:
    """Whether a parameter that is not a row identifies one, as its annotation or name says."""
    parameter = callee.parameter(name)
    is_scalar = parameter is not None and parameter.annotation in SCALARS
    return is_scalar or name in ("id", "pk") or name.endswith(("_id", "_pk"))


def rows_passed(
    graph: Callgraph, callee: Callee, models: Mapping[str, type[Model] | None], key: Key
) -> dict[str, PassedRow]:
    """The parameters that are rows.

    Raises: CarveRefused: two of them would be looked up as the same object; or one is changed, and
    not saved.
    """
    project = graph.sources.project
    found: dict[str, PassedRow] = {}
    for parameter in callee.parameters:
        name, model = parameter.name, models[parameter.name]
        if model is None or name == key.field:
            continue
        attribute, type_ = _identity(model)
        if name == key.parameter:
            attribute, type_ = key.attribute, key.type
        is_own = project.context_of(model._meta.app_label) == callee.context
        if is_own and (changed := unsaved_row(graph, callee.source, callee.inside, name, model)):
            raise CarveRefused(
                f"{callee.source.file}:{callee.node.lineno}: {callee.inside} can't be carved: it"
                f" changes {changed} of {name}, and the caller has to save that. Fix: save it in"
                " the function, or keep the calls."
            )
        is_optional = "None" in (parameter.default, *parameter.annotation.split())
        same = [each for each in found.values() if each.model is model and not is_own]
        if same:
            raise CarveRefused(
                f"{callee.name} takes two {model.__name__} objects, {same[0].parameter} and {name}."
                " Fix: write a function that takes one, and what identifies the other."
            )
        found[name] = PassedRow(name, model, attribute, type_, is_own, is_optional)
    return found


def _identity(model: type[Model]) -> tuple[str, str]:
    """The field that identifies a row, and its type."""
    attribute = str(model._meta.pk.attname)
    try:
        leaf = step(Place(Fields(model), model), attribute)
    except Unread:
        leaf = None
    return attribute, leaf.type if isinstance(leaf, Leaf) else "str"


def _default_key(parameter: str, model: type[Model] | None) -> str:
    return f"{parameter}.{model._meta.pk.attname}" if model else parameter


def _unique(model: type[Model], attribute: str, given: str) -> str:
    try:
        leaf = step(Place(Fields(model), model), attribute)
        column = model._meta.pk if attribute == "pk" else model._meta.get_field(attribute)
    except (Unread, FieldDoesNotExist) as error:
        raise CarveRefused(f"--key {given}: {error}.") from error
    if not getattr(column, "unique", False) or not isinstance(leaf, Leaf):
        unique = [each.name for each in model._meta.concrete_fields if each.unique]
        raise CarveRefused(
            f"--key {given}: {model._meta.label}.{attribute} is not unique. Use one of"
            f" {', '.join(unique)}."
        )
    return leaf.type


def model_of(graph: Callgraph, callee: Callee, parameter: str) -> type[Model] | None:
    if callee.holder and callee.holder.parameter == parameter:
        return callee.holder.model
    found = callee.parameter(parameter)
    facts = callee.source.facts
    name = found.annotation.strip("'\"").partition(" |")[0] if found else ""
    if name:
        resolved = graph.sources.origin(facts.resolve(name))
        return graph.rows.models.by_class.get(resolved)
    inferred, is_sure = graph.rows.of(callee.source, parameter, callee.inside)
    if inferred and is_sure:
        return inferred
    passed = set(_models_passed(graph, callee, parameter))
    if len(passed) == 1:
        return passed.pop()
    like = graph.rows.models.named_like(parameter)
    return inferred or (like[0] if len(like) == 1 else None)


def _models_passed(graph: Callgraph, callee: Callee, parameter: str) -> Iterator[type[Model]]:
    """The models whose rows the callers pass, as far as they are certain."""
    names = [each.name for each in callee.parameters if not each.keyword_only]
    names = names[1:] if callee.holder and callee.holder.model else names
    position = names.index(parameter) if parameter in names else len(names)
    for source, call in graph.callers(callee.name):
        given = call.keywords.get(parameter, "")
        if position < len(call.arguments):
            given = call.arguments[position]
        model, is_sure = graph.rows.of(source, given.removeprefix("="), call.place.scope)
        if given.startswith("=") and model and is_sure:
            yield model
