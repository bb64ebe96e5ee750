"""What the handler leaves behind."""

from effect import EffectRow


class Effect(EffectRow):
    """One event that was handled."""
