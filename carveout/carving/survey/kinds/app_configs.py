"""Finds apps that code asks for by label or by module, such as whether they are installed."""

from collections.abc import Iterator

from carveout.carving.survey.coupling import Coupling
from carveout.carving.survey.kinds.naming import first_text, named
from carveout.carving.survey.sources import SourceFile, Sources


def configs(sources: Sources) -> Iterator[Coupling]:
    labels = {app.module: label for label, app in sources.project.apps.items()}
    yield from sources.each(lambda source: _of_source(source, labels, sources))


def _of_source(source: SourceFile, labels: dict[str, str], sources: Sources) -> Iterator[Coupling]:
    for call in source.facts.calls:
        if call.last in ("get_app_config", "is_installed"):
            given = first_text(source, call, sources, "app_label", "app_name")
            label = labels.get(given, given)
            if label in sources.project.apps:
                fields = {"kind": "string", "form": call.last, "target_symbol": label}
                yield from named(source, call, label, sources, **fields)
