"""Tells, at little cost, whether there are tables whose rows can't be recorded."""

import time

from carveout.seams.effects import row_images

LOOK_AGAIN_S = 30.0
"""How long a process relies on what it found. A migration may add a table meanwhile."""

_found: dict[str, tuple[float, list[str]]] = {}


def problems(database: str) -> list[str]:
    """Why not all rows of this database are recorded, as sentences."""
    until, tables = _found.get(database, (0.0, []))
    if time.monotonic() > until:
        tables = row_images.uncovered(database)
        _found[database] = (time.monotonic() + LOOK_AGAIN_S, tables)
    if not tables:
        return []
    names = ", ".join(tables[:5]) + (" and others" if len(tables) > 5 else "")
    return [f"rows of {names} are not recorded: switch the seam to shadow again"]


def forget() -> None:
    """Look again at the next call."""
    _found.clear()
