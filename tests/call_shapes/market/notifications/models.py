from django.db import models

from market.orders.models import Customer, Order


class Note(models.Model):
    """What somebody was told: the effect of every call."""

    kind = models.CharField(max_length=32)
    number = models.CharField(max_length=32)
    text = models.CharField(max_length=200)


class Badge(models.Model):
    name = models.CharField(max_length=32, unique=True)
    count = models.IntegerField(default=0)

    def award(self, order: Order, text: str = "well done") -> None:
        Note.objects.create(kind=self.name, number=order.number, text=text)

    def count_up(self, order: Order) -> None:
        self.count += 1
        self.save()
        Note.objects.create(kind="counted", number=order.number, text=str(self.count))

    def rename(self, order: Order) -> None:
        self._set(order.number)

    def lock(self) -> "Badge":
        """Until the transaction of the caller ends."""
        return Badge.objects.select_for_update().get(pk=self.pk)

    def _set(self, name: str) -> None:
        self.name = name


class Diploma(models.Model):
    name = models.CharField(max_length=32)

    class Meta:
        abstract = True

    def sign(self, order: Order) -> None: ...


def congratulate(order: Order, badge: Badge) -> None:
    Note.objects.create(kind=badge.name, number=order.number, text=order.email)


def promote(order: Order, badge: Badge) -> None:
    badge.count += 5
    _kept(badge)
    Note.objects.create(kind="promoted", number=order.number, text=str(badge.count))


def _kept(badge: Badge) -> None:
    badge.save()


def demote(order: Order, badge: Badge) -> None:
    _stained(order.number, badge)


def _stained(by: str, badge: Badge) -> None:
    badge.count = 0


def restyle(order: Order, badge: Badge) -> None:
    badge.rename(order)


def decorate(order: Order, badge: Badge | None) -> None: ...


def introduce(order: Order, customer: Customer) -> None:
    text = f"{customer.name} by {order.email}"
    Note.objects.create(kind="introduced", number=order.number, text=text)


class Prize(models.Model):
    def give(self, order: Order) -> None:
        Note.objects.create(kind="prize", number=order.number, text="")


class Cup(models.Model):
    def give(self, order: Order) -> None:
        Note.objects.create(kind="cup", number=order.number, text="")
