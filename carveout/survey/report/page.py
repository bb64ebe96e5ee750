"""The survey as one HTML file: a dependency-structure matrix and a graph that open their lists.

The file holds the matrix of contexts and all lists as they are read without scripts. Its scripts
read the lists, and draw matrix and graph anew for what is sorted, folded and filtered.
"""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.template import Context, Engine
from django.utils.safestring import mark_safe

from carveout.survey.coupling import EVERY, Coupling
from carveout.survey.found import Pair, Survey
from carveout.survey.report.graph import draw
from carveout.survey.report.table import heading, kinds, shown
from carveout.survey.report.units import Unit, idle, units

KIT = Path(__file__).resolve().parents[2]
SCRIPTS = ("couplings", "lists", "matrix", "graph", "page")
"""Each builds on those before it."""


def as_html(found: Survey) -> str:
    """Everything is in the file: it can be mailed, and opened without a network."""
    rows = units(found)
    style, script = _static("survey.css"), _script()
    contexts = [unit for unit in rows if unit.is_context]
    context = {
        "heading": heading(found),
        "contexts": contexts,
        "rows": [_row(unit, contexts, found) for unit in contexts if unit.name != EVERY],
        "graph": draw(found, rows) if rows else None,
        "foldable": len(contexts) < len(rows),
        "undeclared": [unit.name for unit in contexts if not unit.is_declared],
        "lists": [_list(pair, each, "b") for pair, each in found.pairs.items()],
        "within": [_list((name, name), each, "w") for name, each in found.within.items()],
        "apart": [_list(pair, each, "a") for pair, each in found.apart.items()],
        "kinds": sorted({each.kind for each in found.couplings}),
        "kernels": found.kernels,
        "idle": idle(found),
        "dangers": found.dangers,
        "unread": found.unread,
        "style": style,
        "script": script,
        "policy": f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}",
    }
    # The file is the same whatever the surveyed project's language and numbers look like.
    return (
        Engine(dirs=[str(KIT / "templates")])
        .get_template("carveout/survey.html")
        .render(Context(context, use_l10n=False))
    )


def _static(name: str) -> str:
    return mark_safe((KIT / "static" / "carveout" / name).read_text("utf-8"))  # noqa: S308 (our own file)


def _script() -> str:
    parts = ['"use strict";', *(_static(f"survey/{name}.js") for name in SCRIPTS)]
    return mark_safe("\n".join(parts))  # noqa: S308 (our own files)


def _hash(inlined: str) -> str:
    """Nothing else runs, whatever the project's names hold. Source: https://w3.org/TR/CSP3/"""
    return f"'sha256-{b64encode(sha256(inlined.encode()).digest()).decode()}'"


def _row(unit: Unit, contexts: list[Unit], found: Survey) -> dict[str, Any]:
    cells = [_cell((unit.name, other.name), found) for other in contexts]
    return {"unit": unit, "cells": cells, "total": sum(cell["count"] for cell in cells)}


def _cell(pair: Pair, found: Survey) -> dict[str, Any]:
    couplings = found.pairs.get(pair, [])
    return {
        "id": _id(pair, "b"),
        "told": f"{pair[0]} → {pair[1]}: {kinds(couplings)}",
        "count": len(couplings),
        "same": pair[0] == pair[1],
    }


def _list(pair: Pair, couplings: list[Coupling], prefix: str) -> dict[str, Any]:
    return {
        "id": _id(pair, prefix),
        "source": pair[0],
        "target": pair[1],
        "couplings": [(each, _details(each)) for each in couplings],
        "kinds": kinds(couplings),
    }


def _details(each: Coupling) -> str:
    return "; ".join(f"{name}: {shown(value)}" for name, value in each.details.items())


def _id(pair: Pair, prefix: str) -> str:
    """Without spaces: a context may be named by several words."""
    named = (
        f"{prefix}-{pair[0]}-to-{pair[1]}".replace("*", "every").replace("(", "").replace(")", "")
    )
    return "_".join(named.split())
