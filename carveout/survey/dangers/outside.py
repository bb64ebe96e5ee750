"""Mail and requests to elsewhere that a transaction holds open, and may undo."""

from collections.abc import Iterator

from carveout.survey.dangers.callgraph import Callgraph, is_later
from carveout.survey.dangers.danger import Danger, danger
from carveout.survey.dangers.reach import Reach
from carveout.survey.sources import Sources


def outside(sources: Sources, graph: Callgraph, views: set[str]) -> Iterator[Danger]:
    """Where a transaction is opened and where it is that of a request, by ATOMIC_REQUESTS.

    What a view reaches through a transaction that is opened on the way is told there, and what it
    reaches through a method of its own where that calls something else.
    """
    reach, untold = Reach(graph), Reach(graph, told=True)
    for source in sources:
        for call in () if source.migration or source.in_tests else source.facts.calls:
            if call.place.atomic:
                what, symbol = reach.of(source, call)
                inside = "inside a transaction, which it holds open and may undo"
            elif f"{source.facts.module}.{call.place.scope}" in views and not is_later(call):
                what, symbol = untold.of(source, call)
                inside = "inside the transaction of its request, which it holds open and may undo"
            else:
                continue
            if what and (call.place.atomic or symbol not in views):
                text = f"{call.name} reaches {what} {inside}"
                yield danger(source, call.line, call.place, f"{what} in transaction", symbol, text)
