"""Dangers: what makes carving go wrong where it stands, whatever is carved."""

from collections.abc import Iterable, Iterator

from carveout.survey.atomicity import atomicity, is_atomic
from carveout.survey.callgraph import Callgraph
from carveout.survey.cascades import cascades
from carveout.survey.coupling import Coupling
from carveout.survey.cycles import cycles
from carveout.survey.danger import Danger
from carveout.survey.late import late
from carveout.survey.outside import outside
from carveout.survey.rows import Rows
from carveout.survey.saves import saves
from carveout.survey.sources import Sources
from carveout.survey.swallows import swallows
from carveout.survey.views import views


def dangers(sources: Sources, rows: Rows, couplings: Iterable[Coupling]) -> Iterator[Danger]:
    graph = Callgraph(sources, rows)
    of_settings = list(atomicity(sources))
    atomic = is_atomic() or any(each.kind == "atomic requests" for each in of_settings)
    in_requests = views(sources) if atomic else set()
    yield from of_settings
    yield from outside(sources, graph, in_requests)
    yield from swallows(sources, graph, in_requests)
    yield from late(sources, graph)
    yield from saves(sources, rows)
    yield from cascades(sources, rows.models)
    yield from cycles(couplings)
