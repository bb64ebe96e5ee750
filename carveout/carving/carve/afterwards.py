"""Finds what a caller does after the call that comes out differently with an event."""

from collections.abc import Collection, Iterable, Iterator
from typing import TypeVar

from django.db.models import Model

from carveout.carving.carve import changes
from carveout.carving.carve.call_sites import Site
from carveout.carving.carve.callee import Callee
from carveout.carving.carve.expressions import dotted
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


class Afterwards:
    """What callers of a function do after the call."""

    def __init__(self, graph: Callgraph, callee: Callee) -> None:
        self.graph, self.callee = graph, callee
        self.written = dict(self._written())
        """By model: a line of the function that writes its rows."""
        self.set = changes.attributes(callee.source, callee.inside) if callee.holder else set()
        """The attributes of its object that a method sets."""

    def _written(self) -> Iterator[tuple[type[Model], str]]:
        for source, inside in reached(self.graph, self.callee.name):
            for call in calls_in(source, inside):
                model = self._model(source, call) if call.last in WRITING else None
                if model is not None:
                    yield model, f"{source.file}:{call.line}"

    def reads(self, site: Site) -> Problem | None:
        """A line after the call that reads what the function writes; with an event it comes
        later."""
        row = self.callee.row_of(site.call.bound)
        about = f"{dotted(row)}." if row else ""
        later: list[Call | Chain] = [*_later(site, site.source.facts.calls)]
        later += _later(site, site.source.facts.chains)
        for use in later:
            attribute = use.name.removeprefix(about).partition(".")[0]
            if about and use.name.startswith(about) and attribute in self.set:
                what = f"uses {about}{attribute} after the call, which the method sets"
                return _sooner(site, f"line {use.line} {what}")
        for call in _later(site, site.source.facts.calls):
            model = self._model(site.source, call) if call.last in READING else None
            if model is not None and model in self.written:
                what = f"reads {model.__name__} rows after the call, which the function writes"
                return _sooner(site, f"line {call.line} {what} ({self.written[model]})")
        return None

    def changes(self, site: Site, looked_up: Collection[type[Model]]) -> Iterator[Problem]:
        """A line after the call that writes what the subscriber looks up: it sees that too."""
        for call in _later(site, site.source.facts.calls):
            model = self._model(site.source, call) if call.last in WRITING else None
            if model is not None and model in looked_up:
                text = (
                    f"line {call.line} writes {model.__name__} rows after the call: the function"
                    " did not see that, the subscriber will"
                )
                yield Problem(site.source.file, site.call.line, text)
                return

    def _model(self, source: SourceFile, call: Call) -> type[Model] | None:
        model, _ = self.graph.rows.of(source, call.name.rpartition(".")[0], call.place.scope)
        return model


def _sooner(site: Site, text: str) -> Problem:
    text = f"{text}, and with an event that happens later"
    return Problem(site.source.file, site.call.line, text, "read it elsewhere")


Use = TypeVar("Use", Call, Chain)


def _later(site: Site, uses: Iterable[Use]) -> Iterator[Use]:
    """Those in the same function, after the call."""
    for each in uses:
        if each.place.scope == site.call.scope and each.line > site.call.line:
            yield each
