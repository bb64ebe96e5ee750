"""Finds tasks of another app that are called by a name other than their function's path."""

from collections.abc import Iterator

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.facts import IN_FUNCTION, Call, Text
from carveout.carving.survey.kinds.naming import first_text, named, text_of
from carveout.carving.survey.sources import SourceFile, Sources

DECORATORS = {
    *("task", "shared_task", "actor", "job"),
    *("periodic_task", "db_task", "db_periodic_task"),
}
"""Decorators of Celery, Dramatiq, RQ and Huey."""
NAMED = ("name", "actor_name")
CALLERS = {
    *("send_task", "signature", "subtask", "Signature", "maybe_signature"),
    *("enqueue", "enqueue_in", "enqueue_at", "enqueue_call", "async_task", "schedule"),
}
EVERY_TASK = ".*"
"""The end of a route for all tasks of a module: `orders.tasks.*`."""

Tasks = dict[str, str]
"""By task name: the dotted path of the function or class that runs."""


def jobs(sources: Sources) -> Iterator[Coupling]:
    tasks = _tasks(sources)
    yield from sources.each(lambda source: _of_source(source, tasks, sources))


def _of_source(source: SourceFile, tasks: Tasks, sources: Sources) -> Iterator[Coupling]:
    for text in source.facts.texts:
        path = tasks.get(text.value, "")
        if text.value.endswith(EVERY_TASK):
            path = text.value.removesuffix(EVERY_TASK)
            path = path if path in sources.by_module else ""
        if not text.place.within.endswith("getLogger"):
            yield from _called(source, text, path, sources)
    for call in source.facts.calls:
        if call.last in CALLERS:
            name = first_text(source, call, sources, "name", "task")
            yield from _called(source, call, tasks.get(name, ""), sources)


def _called(source: SourceFile, at: Call | Text, path: str, sources: Sources) -> Iterator[Coupling]:
    app = sources.project.app_of(path)
    fields = {"kind": "string", "form": "task name", "target_symbol": path}
    yield from named(source, at, app, sources, **fields)


def _tasks(sources: Sources) -> Tasks:
    """Tasks whose name is not their path, without names that several tasks share."""
    found: dict[str, set[str]] = {}
    for source in sources:
        for name, scope in _names(source, sources):
            found.setdefault(name, set()).add(source.symbol(scope))
    return {name: path for name, (path, *more) in found.items() if not more and name != path}


def _names(source: SourceFile, sources: Sources) -> Iterator[tuple[str, str]]:
    """Names of tasks, and the function or class of each."""
    for call in source.facts.calls:
        decorates = call.place.scope and call.place.level != IN_FUNCTION
        if decorates and call.last in DECORATORS:
            given = next((call.keywords[each] for each in NAMED if each in call.keywords), "")
            name = text_of(source, given, sources)
            if name:
                yield name, call.place.scope
    for scope, definition in source.facts.definitions.items():
        assigned = source.facts.definitions.get(f"{scope}.name")
        if assigned and any(base.endswith("Task") for base in definition.bases):
            name = text_of(source, assigned.target, sources)
            if name:
                yield name, scope
