"""Finds mail and HTTP requests sent inside a transaction, which stays open and may roll back."""

from collections.abc import Iterator

from carveout.carving.survey.dangers.call_graph import Callgraph
from carveout.carving.survey.dangers.danger import Danger, danger
from carveout.carving.survey.dangers.external_reach import ExternalReach
from carveout.carving.survey.sources import SourceFile, Sources


def outside(sources: Sources, graph: Callgraph, views: set[str]) -> Iterator[Danger]:
    """Calls in transactions that code opens, and in those of requests by ATOMIC_REQUESTS.

    What a view reaches through a transaction opened on the way is reported where that is opened;
    what it reaches through another of its own methods is reported in that method.
    """
    reach, in_no_other = ExternalReach(graph), ExternalReach(graph, without_atomic=True)
    yield from sources.each(lambda source: _of_source(source, reach, in_no_other, views))


def _of_source(
    source: SourceFile, reach: ExternalReach, in_no_other: ExternalReach, views: set[str]
) -> Iterator[Danger]:
    for call in () if source.migration or source.in_tests else source.facts.calls:
        if call.place.atomic:
            what, symbol = reach.of(source, call)
            inside = "inside a transaction"
        elif f"{source.facts.module}.{call.place.scope}" in views and not call.is_later:
            what, symbol = in_no_other.of(source, call)
            inside = "inside the transaction of its request"
        else:
            continue
        if what and (call.place.atomic or symbol not in views):
            so = "which stays open meanwhile and may roll back"
            text = f"{call.name} reaches {what} {inside}, {so}"
            yield danger(source, call.line, call.place, f"{what} in transaction", symbol, text)
