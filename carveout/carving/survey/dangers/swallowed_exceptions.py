"""Finds exceptions that are swallowed, so that a transaction commits after an error."""

from collections.abc import Iterator

from carveout.carving.survey.dangers.call_graph import Callgraph, function_of
from carveout.carving.survey.dangers.danger import Danger, danger
from carveout.carving.survey.facts import Swallow
from carveout.carving.survey.kinds.signal_sends import declared_signals
from carveout.carving.survey.model_inference import MANAGERS
from carveout.carving.survey.sources import SourceFile, Sources

KIND = "swallowed exception"
TEXT = "an exception is swallowed inside a transaction{}, which still commits"
WRITING = {
    *("save", "create", "bulk_create", "bulk_update", "delete", "get_or_create"),
    *("update_or_create", "execute", "executemany"),
}
"""Methods that write, whatever object they are called on."""


def swallows(sources: Sources, graph: Callgraph, views: set[str]) -> Iterator[Danger]:
    inside = _inside(sources, graph)
    writing = graph.leading_to(
        function_of(source, call)
        for source in sources
        for call in source.facts.calls
        if _writes(call.name) and not call.is_later
    )
    sent = {f"{signal}.send_robust" for signal in declared_signals(sources)}

    def of_source(source: SourceFile) -> Iterator[Danger]:
        if source.migration or source.in_tests:
            return
        for each in source.facts.swallows:
            by = _opened_by(source, each, inside, views)
            if by and not _may_write(source, each, writing, graph):
                continue
            if by is not None:
                own = list(_own(source, each, sources, graph))
                symbol = next((name for name in own if sources.defined(name)[1]), "".join(own[:1]))
                yield danger(source, each.line, each.place, KIND, symbol, TEXT.format(by))
        for call in source.facts.calls:
            if call.place.atomic and call.last == "send_robust" and call.alone:
                name = graph.called(source, call)
                if name in sent and not call.is_later:
                    text = f"{call.name} swallows what receivers raise inside a transaction"
                    yield danger(source, call.line, call.place, KIND, name, text)

    yield from sources.each(of_source)


def _opened_by(
    source: SourceFile, each: Swallow, inside: dict[str, str], views: set[str]
) -> str | None:
    """What opened the transaction, in words: empty if this function did, None if nothing did."""
    name = f"{source.facts.module}.{each.place.scope}"
    if each.place.atomic:
        return ""
    if name in inside:
        return f" that {inside[name]} opened"
    return " of its request" if name in views else None


def _may_write(source: SourceFile, each: Swallow, writing: set[str], graph: Callgraph) -> bool:
    """May the tried code write, directly or through a call? Else there is nothing to commit."""
    return any(
        _writes(call) or graph.named(source, call, each.place.scope) in writing
        for call in each.calls
    )


def _writes(call: str) -> bool:
    before, _, method = call.rpartition(".")
    return bool(before) and (
        method in WRITING or (method == "update" and bool(MANAGERS.search(f"{before}.")))
    )


def _own(source: SourceFile, each: Swallow, sources: Sources, graph: Callgraph) -> Iterator[str]:
    """First-party functions that are called where the exception is caught."""
    for call in each.calls:
        name = graph.named(source, call, each.place.scope)
        if sources.project.app_of(name):
            yield name


def _inside(sources: Sources, graph: Callgraph) -> dict[str, str]:
    """By function that is called inside a transaction: the function that opens it."""
    calls: dict[str, list[str]] = {}
    found: dict[str, str] = {}
    for name, places in graph.calls.items():
        for source, call in places:
            caller = function_of(source, call)
            calls.setdefault(caller, []).append(name)
            if call.place.atomic and not source.in_tests and sources.defined(name)[1]:
                found.setdefault(name, source.symbol(call.place.scope))
    waiting = list(found)
    while waiting:
        name = waiting.pop()
        for called in calls.get(name, ()):
            if called not in found and sources.defined(called)[1]:
                found[called] = found[name]
                waiting.append(called)
    return found
