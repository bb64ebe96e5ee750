"""Formats points."""


def points_of(points: float) -> str:
    return f"{shown(points)} point{'' if points == 1 else 's'}"


def shown(points: float) -> str:
    """A whole number; below 10, with one decimal if needed."""
    return f"{points:.0f}" if points >= 10 or points == int(points) else f"{points:.1f}"
