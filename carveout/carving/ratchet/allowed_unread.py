"""Decides what may stay unread. Its couplings are unknown, so each item is allowed by name."""

from collections.abc import Iterable

from carveout.carving.survey.unread import Gap

EXIT_UNREAD = 3
"""Exit code: no new coupling in what was read, but something could not be read, which is not
allowed."""


def not_allowed(unread: Iterable[Gap], allowed: Iterable[str]) -> list[Gap]:
    """What is allowed neither by its id, such as `file: orders/old.py`, nor by its plain name."""
    names = {*allowed}
    return [each for each in unread if not {each.id, each.name} & names]


def advice(gaps: list[Gap]) -> str:
    names = " ".join(f'"{each.id}"' for each in gaps[:3])
    more = " …" if len(gaps) > 3 else ""
    it = "it" if len(gaps) == 1 else "them"
    return f"Fix {it}, or allow {it} by name: `survey --write --allow-unread {names}{more}`."
