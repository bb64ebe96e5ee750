"""Configs: apps that are asked for by label or by module, such as whether they are there."""

from collections.abc import Iterator

from carveout.survey.coupling import Coupling
from carveout.survey.kinds.naming import first_text, named
from carveout.survey.sources import Sources


def configs(sources: Sources) -> Iterator[Coupling]:
    labels = {app.module: label for label, app in sources.project.apps.items()}
    for source in sources:
        for call in source.facts.calls:
            if call.last in ("get_app_config", "is_installed"):
                given = first_text(source, call, sources, "app_label", "app_name")
                label = labels.get(given, given)
                if label in sources.project.apps:
                    told = {"kind": "string", "form": call.last, "target_symbol": label}
                    yield from named(source, call, label, sources, **told)
