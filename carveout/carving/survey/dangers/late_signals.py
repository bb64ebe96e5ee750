"""Finds signals that are sent after the transaction they belong to."""

from collections.abc import Iterator

from carveout.carving.survey.dangers.call_graph import Callgraph, function_of
from carveout.carving.survey.dangers.danger import Danger, danger
from carveout.carving.survey.facts import Call
from carveout.carving.survey.kinds.signal_sends import SENDING, declared_signals
from carveout.carving.survey.sources import SourceFile, Sources

KIND = "signal after transaction"


def late(sources: Sources, graph: Callgraph) -> Iterator[Danger]:
    """Signals that a function sends after its own transaction, or one of a function it calls."""
    signals = declared_signals(sources)
    opening = _opening(sources)
    yield from sources.each(lambda source: _of_source(source, signals, opening, graph))


def _of_source(
    source: SourceFile, signals: set[str], opening: set[str], graph: Callgraph
) -> Iterator[Danger]:
    for call in () if source.migration or source.in_tests else source.facts.calls:
        if call.last not in SENDING or call.place.atomic or call.is_later or not call.alone:
            continue  # code that uses the receivers' results asks a question
        signal = graph.called(source, call).rpartition(".")[0]
        if signal in signals and _is_late(source, call, opening, graph):
            text = f"{call.name} is sent after its transaction: a crash in between loses it"
            yield danger(source, call.line, call.place, KIND, signal, text)


def _is_late(source: SourceFile, call: Call, opening: set[str], graph: Callgraph) -> bool:
    if call.line > source.facts.ends.get(call.place.scope, call.line):
        return True
    before = (
        each
        for each in source.facts.calls
        if each.place.scope == call.place.scope and each.line < call.line
    )
    return any(not each.is_later and graph.called(source, each) in opening for each in before)


def _opening(sources: Sources) -> set[str]:
    """Functions that open a transaction."""
    return {
        function_of(source, call)
        for source in sources
        for call in source.facts.calls
        if call.place.atomic
    }
