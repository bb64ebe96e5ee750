"""Points as they are shown."""


def shown(points: float) -> str:
    """Whole, but for those below 10 that are not."""
    return f"{points:.0f}" if points >= 10 or points == int(points) else f"{points:.1f}"
