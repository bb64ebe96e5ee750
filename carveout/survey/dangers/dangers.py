"""Dangers: what makes carving go wrong where it stands, whatever is carved."""

from collections.abc import Iterable, Iterator

from carveout.survey.coupling import Coupling
from carveout.survey.dangers.atomicity import atomicity, is_atomic
from carveout.survey.dangers.callgraph import Callgraph
from carveout.survey.dangers.cascades import cascades
from carveout.survey.dangers.cycles import cycles
from carveout.survey.dangers.danger import Danger
from carveout.survey.dangers.late import late
from carveout.survey.dangers.outside import outside
from carveout.survey.dangers.saves import saves
from carveout.survey.dangers.swallows import swallows
from carveout.survey.dangers.views import views
from carveout.survey.rows import Rows
from carveout.survey.sources import Sources


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
