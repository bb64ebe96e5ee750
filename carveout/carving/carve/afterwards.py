"""Finds what a caller does after the call that comes out differently with an event."""

from collections.abc import Iterator

from django.db.models import Model

from carveout.carving.carve.call_sites import Site
from carveout.carving.carve.problem import Problem
from carveout.carving.carve.reached import calls_in, reached
from carveout.carving.survey.dangers.call_graph import Callgraph
from carveout.carving.survey.facts import Call, Chain
from carveout.carving.survey.sources import SourceFile

WRITING = {
    *("save", "create", "get_or_create", "update_or_create", "bulk_create", "bulk_update"),
    *("update", "delete", "add", "remove", "clear", "set"),
}
READING = {
    *("get", "filter", "exclude", "all", "count", "exists", "first", "last", "latest", "earliest"),
    *("aggregate", "values", "values_list", "in_bulk", "iterator", "refresh_from_db"),
}
Written = dict[type[Model], str]
"""By model: the line that writes it."""


def written_by(graph: Callgraph, function: str) -> Written:
    """The models whose rows a function writes, itself or by what it calls."""
    found: Written = {}
    for source, inside in reached(graph, function):
        for call in calls_in(source, inside):
            if call.last in WRITING and (model := _model(graph, source, call)):
                found.setdefault(model, f"{source.file}:{call.line}")
    return found


def reads(
    graph: Callgraph, site: Site, written: Written, about: str, changed: set[str]
) -> Problem | None:
    """A line after the call that reads what the function writes; with an event it comes later.

    about: the object of a method, as it is called there. changed: the attributes that it sets.
    """
    later: list[Call | Chain] = [*_after(site), *_chains_after(site)]
    for use in later:
        attribute = use.name.removeprefix(f"{about}.").partition(".")[0]
        if about and use.name.startswith(f"{about}.") and attribute in changed:
            text = (
                f"line {use.line} uses {about}.{attribute} after the call, which the method sets,"
                " and with an event it sets that later"
            )
            return Problem(site.source.file, site.call.line, text, "read it elsewhere")
    for call in _after(site):
        model = _model(graph, site.source, call) if call.last in READING else None
        if model in written:
            text = (
                f"line {call.line} reads {model.__name__} rows after the call, which the function"
                f" writes ({written[model]}), and with an event it writes them later"
            )
            return Problem(site.source.file, site.call.line, text, "read them elsewhere")
    return None


def changes(graph: Callgraph, site: Site, looked_up: set[type[Model]]) -> Problem | None:
    """A line after the call that writes what the subscriber looks up: it sees that change too."""
    for call in _after(site):
        model = _model(graph, site.source, call) if call.last in WRITING else None
        if model in looked_up:
            text = (
                f"line {call.line} writes {model.__name__} rows after the call: the function did"
                " not see that, the subscriber will"
            )
            return Problem(site.source.file, site.call.line, text)
    return None


def _after(site: Site) -> Iterator[Call]:
    for call in calls_in(site.source, site.call.scope):
        if call.line > site.call.line:
            yield call


def _chains_after(site: Site) -> Iterator[Chain]:
    for chain in site.source.facts.chains:
        if chain.place.scope == site.call.scope and chain.line > site.call.line:
            yield chain


def _model(graph: Callgraph, source: SourceFile, call: Call) -> type[Model] | None:
    model, _ = graph.rows.of(source, call.name.rpartition(".")[0], call.place.scope)
    return model
