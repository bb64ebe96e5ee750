"""Places and changes orders. Each change and its event are stored together or not at all."""

from collections.abc import Mapping, Sequence

from django.db import IntegrityError, router, transaction

import carveout

from .customers import Customer
from .errors import InvalidOrder, KeyReused, OrderNotFound, StatusForbids
from .events import OrderCancelled, OrderCreated, OrderShipped
from .lines import WantedLine, bought, check_known, check_quantities, quantities
from .lookups import ProductToBuy
from .models import Order, OrderLine, Status

OUT_OF_STOCK = "out of stock"
BY_CUSTOMER = "by the customer"
BY_SHOP = "by the shop"


def place_order(
    customer_id: str,
    email: str,
    lines: Sequence[WantedLine],
    *,
    phone: str = "",
    idempotency_key: str | None = None,
    import_key: str | None = None,
    products: Mapping[str, ProductToBuy] | None = None,
) -> tuple[Order, bool]:
    """Stores an order and publishes it. The same request again returns the same order.

    Products are looked up before the transaction opens, unless the caller did so already.
    An order for more than is available is taken too: the shop decides about its stock.

    Returns: the order, and whether this call stored it.
    Raises: InvalidOrder: nothing was stored; its `errors` say why.
        KeyReused: the key was used for an order of other things.
        LookupFailed: the shop did not answer; nothing was stored.
    """
    order = Order(
        customer_id=customer_id,
        email=email,
        phone=phone,
        idempotency_key=idempotency_key,
        import_key=import_key,
    )
    if earlier := Order.objects.same_request(order).first():
        return repeated(earlier, order, lines), False
    check(order, lines)
    if products is None:
        products = carveout.look_up_many(ProductToBuy, sorted(quantities(lines)))
    check_known(lines, products)
    try:
        return store(order, bought(lines, products)), True
    except IntegrityError:
        # The same request came twice at once, and the other one was first.
        earlier = Order.objects.same_request(order).first()
        if earlier is None:
            raise
        return repeated(earlier, order, lines), False


def check(order: Order, lines: Sequence[WantedLine]) -> None:
    if not order.email:
        raise InvalidOrder({"email": ["An order needs an e-mail address for the confirmation."]})
    check_quantities(lines)


def repeated(earlier: Order, order: Order, lines: Sequence[WantedLine]) -> Order:
    """The earlier order, if it asked for the same.

    Raises: KeyReused: it asked for other things.
    """
    if quantities(earlier.lines.all()) != quantities(lines) or earlier.phone != order.phone:
        raise KeyReused(earlier)
    return earlier


def store(order: Order, lines: list[OrderLine]) -> Order:
    with transaction_of_orders():
        insert(order, lines)
        carveout.publish(OrderCreated(order_number=order.number))
    return order


def insert(order: Order, lines: list[OrderLine]) -> None:
    """Store the rows alone. The caller publishes, in the same transaction."""
    order.total = sum(line.amount for line in lines)
    for line in lines:
        line.order = order
    order.save(force_insert=True)
    OrderLine.objects.bulk_create(lines)


def cancel_order(number: str, reason: str) -> Order:
    """Cancel an order that was not shipped. Cancelling it again changes nothing.

    Raises: StatusForbids: it was shipped.
    """
    with transaction_of_orders():
        order = locked(number)
        if order.status == Status.SHIPPED:
            raise StatusForbids(f"Order {number} was shipped and can't be cancelled any more.")
        if order.is_open:
            cancel(order, reason)
        return order


def reason_of(customer: Customer, order: Order) -> str:
    """The cancel reason when this customer, or a member of staff, cancels this order."""
    return BY_CUSTOMER if order.customer_id == customer.id else BY_SHOP


def ship_order(number: str) -> Order:
    """Records that an order left the warehouse.

    Raises: StatusForbids: its stock is not reserved (any more).
    """
    with transaction_of_orders():
        order = locked(number)
        if order.status != Status.RESERVED:
            raise StatusForbids(
                f"Order {number} can't be shipped: {WHY_NOT_SHIPPED[order.status]}."
            )
        order.move_to(Status.SHIPPED)
        carveout.publish(OrderShipped(order_number=number))
        return order


WHY_NOT_SHIPPED = {
    Status.PLACED: "its stock is not reserved yet",
    Status.SHIPPED: "it was shipped already",
    Status.CANCELLED: "it was cancelled",
}


def mark_reserved(number: str) -> None:
    """The shop reserved the goods. An order whose status changed since then stays as it is."""
    with transaction_of_orders():
        order = locked(number)
        if order.status == Status.PLACED:
            order.move_to(Status.RESERVED)


def cancel_for_lack_of_stock(number: str) -> None:
    """The shop lacks the goods. An order whose status changed since then stays as it is."""
    with transaction_of_orders():
        order = locked(number)
        if order.status == Status.PLACED:
            cancel(order, OUT_OF_STOCK)


def cancel(order: Order, reason: str) -> None:
    order.move_to(Status.CANCELLED, cancel_reason=reason)
    carveout.publish(OrderCancelled(order_number=order.number))


def locked(number: str) -> Order:
    """The order, its row locked until the transaction ends.

    Raises: OrderNotFound
    """
    try:
        return Order.objects.select_for_update().get(number=number)
    except Order.DoesNotExist:
        raise OrderNotFound(f"There is no order {number}.") from None


def transaction_of_orders():
    """A transaction in the database that holds this context's tables, whichever that is."""
    return transaction.atomic(using=router.db_for_write(Order))
