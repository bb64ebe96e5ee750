from django.dispatch import Signal

order_cancelled = Signal()
"""An order was cancelled and that is stored. Receivers get `order`."""
