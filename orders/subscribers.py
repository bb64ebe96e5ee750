"""What orders does about other contexts' events."""

import carveout

from . import services


@carveout.subscribe("shop.StockReserved", "shop.StockShort")
def follow_stock(event):
    """The warehouse decided: the order is reserved, or cancelled for lack of stock.

    An order that moved on meanwhile stays as it is: its customer may have cancelled it.
    """
    if event.type == "shop.StockReserved":
        services.mark_reserved(event.order_number)
    else:
        services.cancel_for_lack_of_stock(event.order_number)
