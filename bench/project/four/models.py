"""What the handlers leave behind."""

from effect import EffectRow


class Effect(EffectRow):
    """One event that one of the subscriptions handled."""
