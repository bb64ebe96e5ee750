from django import template

from reviews.models import BEST_RATING

register = template.Library()


@register.filter
def stars(rating: float) -> str:
    full = round(rating)
    return "★" * full + "☆" * (BEST_RATING - full)
