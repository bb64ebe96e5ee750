"""Builds the survey's page: one HTML file with a dependency-structure matrix, a graph and lists.

Without scripts, the file shows the matrix of contexts and all lists. Its scripts read the lists,
and redraw the matrix and the graph after sorting, folding and filtering.
"""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.template import Context, Engine
from django.utils.safestring import mark_safe

import carveout
from carveout.carving.survey.coupling import EVERY, Coupling
from carveout.carving.survey.report.code_lines import CodeLines, code_lines
from carveout.carving.survey.report.graph import draw
from carveout.carving.survey.report.legend import KINDS, WORDS
from carveout.carving.survey.report.origin import Origin
from carveout.carving.survey.report.text import details, heading, kernel_names, kinds
from carveout.carving.survey.report.units import Unit, idle, units
from carveout.carving.survey.result import Pair, Survey, running

KIT = Path(carveout.__file__).resolve().parent
SCRIPTS = ("couplings", "lists", "matrix", "graph", "page")
"""Each builds on those before it."""


def as_html(found: Survey, origin: Origin | None = None) -> str:
    """The whole page in one file, which can be mailed and opened without a network.

    origin: the code that was surveyed; without it, the page neither names nor quotes it.
    """
    rows = units(found)
    code = code_lines(origin.root, found.couplings) if origin else {}
    style, script = _static("survey.css"), _script()
    contexts = [unit for unit in rows if unit.is_context]
    context = {
        "origin": origin,
        "heading": heading(found),
        "contexts": contexts,
        "rows": [_row(unit, contexts, found) for unit in contexts if unit.name != EVERY],
        "graph": draw(found, rows) if rows else None,
        "foldable": len(contexts) < len(rows),
        "undeclared": [unit.name for unit in contexts if not unit.is_declared],
        "lists": [_list(pair, each, "b", code) for pair, each in found.all_pairs.items()],
        "within": [_list((name, name), each, "w", code) for name, each in found.within.items()],
        "apart": [_list(pair, each, "a", code) for pair, each in found.apart.items()],
        "kinds": [(kind, KINDS.get(kind, "")) for kind in _kinds(found)],
        "words": WORDS,
        "kernels": kernel_names(found),
        "vendored": found.vendored,
        "tests": found.tests,
        "idle": idle(found),
        "dangers": found.dangers,
        "unread": found.unread,
        "style": style,
        "script": script,
        "policy": f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}",
    }
    # The file must not depend on the surveyed project's language and number format.
    return (
        Engine(dirs=[str(KIT / "templates")])
        .get_template("carveout/survey.html")
        .render(Context(context, use_l10n=False))
    )


def _kinds(found: Survey) -> list[str]:
    return sorted({each.kind for each in found.couplings})


def _static(name: str) -> str:
    return mark_safe((KIT / "static" / "carveout" / name).read_text("utf-8"))  # noqa: S308 (our own file)


def _script() -> str:
    parts = ['"use strict";', *(_static(f"survey/{name}.js") for name in SCRIPTS)]
    return mark_safe("\n".join(parts))  # noqa: S308 (our own files)


def _hash(inlined: str) -> str:
    """Lets nothing else run, whatever the project's names hold. Source: https://w3.org/TR/CSP3/"""
    return f"'sha256-{b64encode(sha256(inlined.encode()).digest()).decode()}'"


def _row(unit: Unit, contexts: list[Unit], found: Survey) -> dict[str, Any]:
    cells = [_cell((unit.name, other.name), found) for other in contexts]
    return {"unit": unit, "cells": cells, "total": sum(cell["count"] for cell in cells)}


def _cell(pair: Pair, found: Survey) -> dict[str, Any]:
    couplings = found.all_pairs.get(pair, [])
    return {
        "id": _id(pair, "b"),
        "title": f"{pair[0]} → {pair[1]}: {kinds(couplings)}",
        "count": len(running(couplings)),
        "same": pair[0] == pair[1],
    }


def _list(pair: Pair, couplings: list[Coupling], prefix: str, code: CodeLines) -> dict[str, Any]:
    return {
        "id": _id(pair, prefix),
        "source": pair[0],
        "target": pair[1],
        "couplings": [(each, _details(each), code.get(each.at, "")) for each in couplings],
        "count": len(running(couplings)),
        "kinds": kinds(couplings),
    }


def _details(each: Coupling) -> str:
    return "; ".join(details(each))


def _id(pair: Pair, prefix: str) -> str:
    """An HTML id without spaces: a context's name may have several words."""
    named = (
        f"{prefix}-{pair[0]}-to-{pair[1]}".replace("*", "every").replace("(", "").replace(")", "")
    )
    return "_".join(named.split())
