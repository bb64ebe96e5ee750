from django import template

register = template.Library()


@register.simple_tag
def flag(supplier):
    return ""


@register.filter
def currency(value):
    return value


@register.inclusion_tag("catalogue/price.html")  # C
def price(product):
    return {}
