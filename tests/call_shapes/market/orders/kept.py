"""Every shape of a call that can't be a seam, and stays. Each function is one."""

from functools import partial
from typing import Any

from django.apps import AppConfig

from market.notifications.models import Badge, Note, decorate
from market.notifications.services import Choir, Teller, tell
from market.orders.models import Order


def returned(order: Order) -> str:
    return tell("returned", order)


def assigned(order: Order) -> str:
    text = tell("assigned", order)
    return text


def in_a_condition(order: Order) -> None:
    if tell("condition", order):
        order.save()


def in_a_loop(orders: list[Order]) -> None:
    for order in orders:
        tell("loop", order)


def in_a_while_loop(orders: list[Order]) -> None:
    while orders:
        tell("while", orders.pop())


def in_a_comprehension(orders: list[Order]) -> list[str]:
    return [tell("comprehension", order) for order in orders]


def star_arguments(pair: tuple[str, Order]) -> None:
    tell(*pair)


def arguments_of_a_dict(order: Order, given: dict[str, Any]) -> None:
    tell("dict", order, **given)


def passed_on(order: Order) -> Any:
    return map(tell, ["passed"], [order])


def in_a_lambda(order: Order) -> Any:
    return lambda: tell("lambda", order)


def in_a_partial(order: Order) -> Any:
    return partial(tell, "partial", order)


def errors_that_are_acted_upon(order: Order) -> None:
    try:
        tell("acted", order)
    except ValueError:
        order.delete()


def walrus(order: Order) -> None:
    tell("walrus", (found := order))
    found.save()


async def in_a_coroutine(order: Order) -> None:
    tell("coroutine", order)


class WhenImported:
    if not __name__:
        tell("import", Order(number="import"))


class Orders(AppConfig):
    def ready(self) -> None:
        tell("start", Order(number="start"))


def read_afterwards(order: Order) -> bool:
    tell("read", order)
    return Note.objects.filter(number=order.number).exists()


def another_attribute() -> str:
    return tell.__name__


def object_that_may_be_none(order: Order, badge: Badge | None) -> None:
    decorate(order, badge)


def method_of_a_subclass(order: Order) -> None:
    Choir().sing(order)


def method_of_a_changed_object(order: Order) -> None:
    teller = Teller()
    teller.loud = True  # type: ignore[attr-defined]
    teller.sing(order)


def method_through_its_class(order: Order) -> None:
    Teller.sing(Teller(), order)


def method_of_an_object_from_elsewhere(order: Order, teller: Teller) -> None:
    teller.sing(order)


def method_of_something(order: Order, something: Any) -> None:
    something.sing(order)


def method_of_an_item(order: Order, tellers: list[Teller]) -> None:
    tellers[0].sing(order)


def method_of_a_row_that_is_not_saved(order: Order, badge: Badge) -> None:
    badge.name = "wood"
    badge.award(order)


def method_whose_result_is_read(order: Order, badge: Badge) -> int:
    badge.count_up(order)
    return badge.count


def method_of_a_guess(order: Order, prize: Any) -> None:
    prize.give(order)
