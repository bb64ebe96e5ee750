"""Every shape of a call that can be a seam. Each function is one; it is named after the shape."""

import functools
import logging
from contextlib import suppress
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import receiver

import market.notifications.services
import market.notifications.services as told
from market.notifications import public, services
from market.notifications.models import Badge, congratulate, introduce, promote
from market.notifications.services import LOUD, Teller, greet, tell, teller
from market.notifications.services import tell as inform
from market.orders.models import Customer, Order
from market.orders.signals import order_paid

from ..notifications.services import tell as tell_nearby

logger = logging.getLogger(__name__)


def plain(order: Order) -> None:
    tell("plain", order)


def keywords(order: Order) -> None:
    tell(order=order, kind="keywords")


def keyword_only(order: Order) -> None:
    tell("keyword only", order, loud=True)


def constant(order: Order) -> None:
    tell(LOUD, order)


def text_of_the_order(order: Order) -> None:
    tell(f"order {order.pk}", order)


def of_a_module(order: Order) -> None:
    services.tell("module", order)


def of_a_module_under_another_name(order: Order) -> None:
    told.tell("alias", order)


def under_another_name(order: Order) -> None:
    inform("informed", order)


def through_the_parent_module(order: Order) -> None:
    market.notifications.services.tell("parent", order)


def through_an_import_of_everything(order: Order) -> None:
    public.tell("everything", order)


def by_id(order: Order) -> None:
    services.recall(order.id)


def by_reference(order: Order) -> None:
    services.remind(order.number)


def own_row_as_an_argument(order: Order, badge: Badge) -> None:
    congratulate(order, badge)


def own_row_that_is_changed_and_saved(order: Order, badge: Badge) -> None:
    promote(order, badge)


def two_objects(order: Order) -> None:
    introduce(order, Customer.objects.create(name="Maria"))


def two_objects_by_keyword(order: Order) -> None:
    maria = Customer.objects.create(name="Maria")
    introduce(customer=maria, order=order)


def relative_import(order: Order) -> None:
    tell_nearby("relative", order)


def local_import(order: Order) -> None:
    from market.notifications.services import tell as tell_here

    tell_here("local", order)


def argument_that_is_a_call(order: Order) -> None:
    tell("call", _same(order))


def argument_that_is_an_item(order: Order) -> None:
    orders = [order]
    tell("item", orders[0])


def several_lines(order: Order) -> None:
    greet(order)
    tell(
        "lines",  # the kind
        order,
    )  # at last


def beside_another_statement(order: Order) -> None:
    greet(order); tell("beside", order)  # fmt: skip


def in_a_transaction(order: Order) -> None:
    with transaction.atomic():
        tell("atomic", order)


@transaction.atomic
def in_a_decorated_function(order: Order) -> None:
    tell("decorated", order)


def in_a_branch(order: Order) -> None:
    if order.is_paid:
        tell("branch", order)
    else:
        tell("branch", order)


def in_a_match(order: Order) -> None:
    match order.is_paid:
        case True:
            tell("match", order)
        case _:
            tell("match", order)


def with_finally(order: Order) -> None:
    try:
        tell("finally", order)
    finally:
        greet(order)


def errors_that_are_logged(order: Order) -> None:
    try:
        tell("logged", order)
    except ValueError:
        logger.exception("Nobody was told.")


def errors_that_are_raised_again(order: Order) -> None:
    try:
        tell("raised", order)
    except ValueError:
        logger.warning("Nobody was told.")
        raise


def errors_that_are_suppressed(order: Order) -> None:
    with suppress(ValueError):
        tell("suppressed", order)


def in_an_exception_handler(order: Order) -> None:
    try:
        int(order.number)
    except ValueError:
        tell("handler", order)


def in_an_else(order: Order) -> None:
    try:
        greet(order)
    except ValueError:
        order.delete()
    else:
        tell("else", order)


def in_a_nested_function(order: Order) -> None:
    def inner() -> None:
        tell("nested", order)

    inner()


def on_commit_with_a_lambda(order: Order) -> None:
    transaction.on_commit(lambda: tell("on commit", order))


def on_commit_with_a_partial(order: Order) -> None:
    transaction.on_commit(partial(tell, "partial", order))


def on_commit_with_functools(order: Order) -> None:
    transaction.on_commit(functools.partial(tell, "functools", order=order), using="default")


class Desk:
    def __init__(self) -> None:
        self.teller = Teller()

    def in_a_method(self, order: Order) -> None:
        tell("method", order)

    def of_an_attribute(self, order: Order) -> None:
        self.teller.sing(order, song="desk")


@receiver(order_paid)
def in_a_receiver(sender: Any, order: Order, **kwargs: Any) -> None:
    tell("receiver", order)


def static_method(order: Order) -> None:
    Teller.shout(order)


def class_method(order: Order) -> None:
    Teller.whisper(order)


def method_of_a_new_object(order: Order) -> None:
    Teller().sing(order, "new")


def method_of_a_variable(order: Order) -> None:
    singer = Teller()
    singer.sing(order, "variable")


def method_of_an_object_of_a_module(order: Order) -> None:
    teller.sing(order)


def method_of_an_object_through_its_module(order: Order) -> None:
    services.teller.sing(order, "module")


def method_on_commit(order: Order) -> None:
    transaction.on_commit(lambda: Teller().sing(order, "later"))


def method_of_a_row(order: Order, badge: Badge) -> None:
    badge.award(order)


def method_of_a_row_that_is_fetched(order: Order) -> None:
    badge = Badge.objects.get(name="gold")
    badge.award(order, "fetched")


def method_of_a_row_at_once(order: Order) -> None:
    Badge.objects.get(name="gold").award(order, text="at once")


def method_of_a_row_that_was_saved(order: Order) -> None:
    badge = Badge.objects.get(name="gold")
    badge.name = "silver"
    badge.save()
    badge.award(order, "saved")


def method_of_a_row_that_its_name_tells(order: Order, badge) -> None:  # type: ignore[no-untyped-def]
    badge.award(order, "named")


def method_that_saves(order: Order, badge: Badge) -> None:
    badge.count_up(order)


def _same(order: Order) -> Order:
    return order
