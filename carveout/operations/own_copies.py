"""Tells how own copies are: filled, how far behind their events, verified."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from carveout.conf import get_settings
from carveout.conf.validation import suggest
from carveout.errors import CarveoutError
from carveout.models import CopyState
from carveout.subscriptions import status, subscription
from carveout.subscriptions.copies import keeping
from carveout.subscriptions.copies.model import Copy, registry
from carveout.subscriptions.status import SubscriptionStatus


class UnknownCopy(CarveoutError):
    """There is no own copy of this name here."""


@dataclass(frozen=True)
class CopyStatus:
    """How an own copy is now."""

    model: type[Copy]
    state: CopyState
    rows: int
    subscription: SubscriptionStatus

    @property
    def name(self) -> str:
        return self.model._meta.label

    @property
    def waiting(self) -> int | None:
        """How many events of the owner it has not handled; None if unknown."""
        parked = sum(self.subscription.deliveries.values())
        return None if self.subscription.lag is None else self.subscription.lag + parked

    @property
    def oldest(self) -> datetime | None:
        """When the first event that its cursors have not passed was published."""
        return self.subscription.oldest


def hosted(contexts: Iterable[str] | None = None) -> list[type[Copy]]:
    """The own copies of these contexts, or of all that are hosted here, by name."""
    wanted = set(get_settings().hosted if contexts is None else contexts)
    return [model for _, model in sorted(registry.items()) if _is_of(model, wanted)]


def named(name: str) -> type[Copy]:
    """The own copy with this name, such as reviews.Product. Raises: UnknownCopy: there is none."""
    known = {model._meta.label: model for model in hosted()}
    if name not in known:
        raise UnknownCopy(f"There is no own copy {name!r} here. {suggest(name, known)}")
    return known[name]


def statuses(contexts: Iterable[str] | None = None) -> Iterator[CopyStatus]:
    """How each own copy is, by name."""
    models = hosted(contexts)
    contexts = {keeping.subscription_of(model).split(".")[0] for model in models}
    by_name = {each.subscription.name: each for each in status.statuses(contexts)}
    for model in models:
        states = CopyState.objects.using(keeping.database_of(model))
        state = states.filter(model=model._meta.label).first()
        yield CopyStatus(
            model,
            state or CopyState(model=model._meta.label),
            keeping.rows_of(model).count(),
            by_name[keeping.subscription_of(model)],
        )


def _is_of(model: type[Copy], contexts: Container[str]) -> bool:
    """Whether it is declared in this process, by one of these contexts."""
    context = get_settings().context_of(model.__module__)
    is_of = context is not None and context.name in contexts
    return is_of and keeping.subscription_of(model) in subscription.registry
