"""The survey as one HTML file: a dependency-structure matrix whose cells open their list."""

from collections import Counter
from pathlib import Path
from typing import Any

from django.template import Context, Engine
from django.utils.safestring import mark_safe

from carveout.survey.coupling import EVERY, Coupling
from carveout.survey.survey import Pair, Survey
from carveout.survey.table import heading, kinds, shown

KIT = Path(__file__).resolve().parent.parent


def as_html(found: Survey) -> str:
    """Everything is in the file: it can be mailed, and opened without a network."""
    engine = Engine(dirs=[str(KIT / "templates")])
    context = {
        "heading": heading(found),
        "order": _order(found),
        "rows": _rows(found),
        "lists": [_list(pair, each, "b") for pair, each in found.pairs.items()],
        "apart": [_list(pair, each, "a") for pair, each in found.apart.items()],
        "kinds": Counter(each.kind for all in found.pairs.values() for each in all).most_common(),
        "kernels": found.kernels,
        "dangers": found.dangers,
        "unread": found.unread,
        "style": _static("survey.css"),
        "script": _static("survey.js"),
    }
    return engine.get_template("carveout/survey.html").render(Context(context))


def _static(name: str) -> str:
    return mark_safe((KIT / "static" / "carveout" / name).read_text())  # noqa: S308 (our own file)


def _order(found: Survey) -> list[str]:
    """Contexts that need many others first: what lies above the diagonal points forward."""
    needs = Counter(source for source, _ in found.pairs)
    needed = Counter(target for _, target in found.pairs)
    names = needs.keys() | needed.keys()
    return sorted(names, key=lambda name: (needed[name] - needs[name], name))


def _rows(found: Survey) -> list[dict[str, Any]]:
    order = _order(found)
    most = max(map(len, found.pairs.values()), default=1)
    return [
        {
            "name": source,
            "cells": [_cell((source, target), found, most) for target in order],
            "total": sum(len(each) for pair, each in found.pairs.items() if pair[0] == source),
        }
        for source in order
        if source != EVERY
    ]


def _cell(pair: Pair, found: Survey, most: int) -> dict[str, Any]:
    couplings = found.pairs.get(pair, [])
    shade = 0 if not couplings else 1 + round(4 * (len(couplings) / most) ** 0.5)
    mutual = bool(couplings) and (pair[1], pair[0]) in found.pairs
    return {
        "id": _id(pair, "b"),
        "source": pair[0],
        "target": pair[1],
        "count": len(couplings),
        "kinds": kinds(couplings),
        "shade": shade,
        "same": pair[0] == pair[1],
        "mutual": mutual,
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
    return f"{prefix}-{pair[0]}-to-{pair[1]}".replace("*", "every").strip("()")
