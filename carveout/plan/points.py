"""Points as they are shown."""


def points_of(points: float) -> str:
    return f"{shown(points)} point{'' if points == 1 else 's'}"


def shown(points: float) -> str:
    """Whole, but for those below 10 that are not."""
    return f"{points:.0f}" if points >= 10 or points == int(points) else f"{points:.1f}"
