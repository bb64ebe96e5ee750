from django.dispatch import Signal

price_changed = Signal()
