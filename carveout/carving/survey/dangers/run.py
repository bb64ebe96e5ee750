"""Runs the search for all kinds of dangers."""

from collections.abc import Callable, Iterable, Iterator

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.dangers.atomic_requests import atomicity, is_atomic
from carveout.carving.survey.dangers.call_graph import Callgraph
from carveout.carving.survey.dangers.cascades import cascades
from carveout.carving.survey.dangers.danger import Danger
from carveout.carving.survey.dangers.external_calls import outside
from carveout.carving.survey.dangers.full_row_saves import saves
from carveout.carving.survey.dangers.late_signals import late
from carveout.carving.survey.dangers.migration_cycles import cycles
from carveout.carving.survey.dangers.swallowed_exceptions import swallows
from carveout.carving.survey.dangers.views import views
from carveout.carving.survey.model_inference import Rows
from carveout.carving.survey.sources import Sources
from carveout.carving.survey.unread import KIND


def dangers(sources: Sources, rows: Rows, couplings: Iterable[Coupling]) -> Iterator[Danger]:
    gaps, graph = sources.project.gaps, Callgraph(sources, rows)
    of_settings = list(gaps.each(KIND, ["atomicity"], str, lambda _: atomicity(sources)))
    atomic = is_atomic() or any(each.kind == "atomic requests" for each in of_settings)
    in_requests = views(sources) if atomic else set()
    yield from of_settings
    found: dict[str, Callable[[], Iterator[Danger]]] = {
        "outside": lambda: outside(sources, graph, in_requests),
        "swallows": lambda: swallows(sources, graph, in_requests),
        "late": lambda: late(sources, graph),
        "saves": lambda: saves(sources, rows),
        "cascades": lambda: cascades(sources, rows.models),
        "cycles": lambda: cycles(couplings),
    }
    yield from gaps.each(KIND, found, str, lambda name: found[name]())
