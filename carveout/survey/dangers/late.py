"""Signals that are sent after the transaction they belong to."""

from collections.abc import Iterator

from carveout.survey.dangers.callgraph import Callgraph, function_of, is_later
from carveout.survey.dangers.danger import Danger, danger
from carveout.survey.facts import Call
from carveout.survey.kinds.sends import SENDING, declared_signals
from carveout.survey.sources import Source, Sources

KIND = "signal after transaction"


def late(sources: Sources, graph: Callgraph) -> Iterator[Danger]:
    """A signal that a function sends after a transaction of its own, or of what it calls."""
    signals = declared_signals(sources)
    opening = _opening(sources)
    for source in sources:
        if source.migration or source.in_tests:
            continue
        for call in source.facts.calls:
            if call.last not in SENDING or call.place.atomic or is_later(call) or not call.alone:
                continue  # whoever looks at the answers asks, and does not tell
            signal = graph.called(source, call).rpartition(".")[0]
            if signal in signals and _is_late(source, call, opening, graph):
                text = f"{call.name} is sent after its transaction: a crash between loses it"
                yield danger(source, call.line, call.place, KIND, signal, text)


def _is_late(source: Source, call: Call, opening: set[str], graph: Callgraph) -> bool:
    if call.line > source.facts.ends.get(call.place.scope, call.line):
        return True
    before = (
        each
        for each in source.facts.calls
        if each.place.scope == call.place.scope and each.line < call.line
    )
    return any(not is_later(each) and graph.called(source, each) in opening for each in before)


def _opening(sources: Sources) -> set[str]:
    """Functions that open a transaction."""
    return {
        function_of(source, call)
        for source in sources
        for call in source.facts.calls
        if call.place.atomic
    }
