from typing import Any

from django.core.exceptions import PermissionDenied

from market.notifications.models import Note
from market.orders.models import Order

LOUD = "loud"


def tell(kind: str, order: Order, *, loud: bool = False) -> str:
    text = order.email.upper() if loud else order.email
    Note.objects.create(kind=kind, number=order.number, text=text)
    return text


def greet(order: Order) -> None: ...


async def tell_slowly(order: Order) -> None: ...


def recall(order_id) -> None:  # type: ignore[no-untyped-def]
    order = Order.objects.get(id=order_id)
    Note.objects.create(kind="recalled", number=order.number, text="")


def remind(reference: str) -> None:
    Note.objects.create(kind="reminded", number=reference, text="")


def allow(order: Order) -> None:
    insist(order)


def insist(order: Order) -> None:
    if not order.email:
        raise PermissionDenied


def refresh() -> None: ...


def forget(request: Any) -> None: ...


def compare(order: Order, other: Order) -> None: ...


class Ghost:
    def __init__(self, name: str) -> None: ...

    def haunt(self, order: Order) -> None: ...


class Counter:
    def count(self, order: Order) -> None:
        self.last = order.number


class Teller:
    @staticmethod
    def shout(order: Order) -> None:
        Note.objects.create(kind="shout", number=order.number, text=order.email)

    @classmethod
    def whisper(cls, order: Order) -> None:
        Note.objects.create(kind="whisper", number=order.number, text=order.email)

    def sing(self, order: Order, song: str = "la") -> None:
        Note.objects.create(kind="sing", number=order.number, text=self.voice() + song)

    def voice(self) -> str:
        return "♪"


class Choir(Teller):
    def voice(self) -> str:
        return "♫"


teller = Teller()
