"""Declares subscriptions: which handler gets which events, and the lookups it needs."""

import inspect
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from carveout.conf import context_of, get_settings
from carveout.errors import DeclarationInvalid
from carveout.events import declarations
from carveout.events.event import Event, ReceivedEvent, type_name
from carveout.lookups.reader import Lookup

Handler = TypeVar("Handler", bound=Callable[..., object])


SHADOW = "_shadow"
"""At the end of the names of subscriptions that only compare events with calls. They miss nothing
that anybody needs."""

registry: dict[str, "Subscription"] = {}
"""Subscriptions of the contexts hosted here, by full name."""


@dataclass(frozen=True)
class Subscription:
    """One handler of one context for some event types. The options are those of `subscribe`."""

    name: str
    context: str
    types: frozenset[str]
    handler: Callable[..., object] = field(repr=False)
    via: str = "consumer"
    batch: bool = False
    ordered: bool = False
    atomic: bool = True
    start: str = "beginning"
    max_attempts: int = 12
    retry_base_s: float | None = None
    retry_cap_s: float | None = None
    give_up_on: tuple[type[Exception], ...] = ()
    time_limit_s: float = 30.0
    replayable: bool = True
    seams: tuple[str, ...] = ("",)
    """The seams whose events it handles; "": events that no seam published."""
    linger_ms: float = 0
    when: Callable[..., object] | None = field(default=None, repr=False)

    @property
    def source_contexts(self) -> set[str]:
        """The contexts whose events it handles."""
        return {type_name.split(".")[0] for type_name in self.types}

    @property
    def database(self) -> str:
        return get_settings().database_of(self.context)

    @cached_property
    def event_parameter(self) -> str | None:
        return self._parameters[0]

    @cached_property
    def lookups(self) -> dict[str, type[Lookup]]:
        """The lookups that the handler needs, by parameter; for a batch handler, by index."""
        return self._parameters[1]

    @cached_property
    def when_parameters(self) -> tuple[str | None, dict[str, type[Lookup]]]:
        """The parameters of `when`: its event's name, and its lookups by theirs."""
        return _parameters(f"{self.name}: `when`", self.when) if self.when else (None, {})

    @property
    def readers(self) -> set[type[Lookup]]:
        """All that it asks for: its handler, and its `when`."""
        return {*self.lookups.values(), *self.when_parameters[1].values()}

    @cached_property
    def _parameters(self) -> tuple[str | None, dict[str, type[Lookup]]]:
        return _batch_parameters(self) if self.batch else _parameters(self.name, self.handler)

    def handles(self, event: ReceivedEvent) -> bool:
        return event.type in self.types and event.seam in self.seams


def subscribe(
    *types: str | type[Event],
    via: str = "consumer",
    batch: bool = False,
    ordered: bool = False,
    atomic: bool = True,
    start: str = "beginning",
    max_attempts: int = 12,
    retry_base_s: float | None = None,
    retry_cap_s: float | None = None,
    give_up_on: tuple[type[Exception], ...] = (),
    time_limit_s: float = 30.0,
    replayable: bool = True,
    name: str = "",
    seam: str | tuple[str, ...] = "",
    linger_ms: float = 0,
    when: Callable[..., object] | None = None,
) -> Callable[[Handler], Handler]:
    """Subscribe a function to events of other contexts, in order per key.

    types: names, as in "orders.OrderCreated". For its own context's events, the class also works.
    via: "consumer" runs it in the transaction that moves the cursor; "rq" in a job of its own.
    batch: one call with all events of a batch: a list, for bulk writes.
    ordered: while an event of a key is not done, later ones of the key wait behind it.
    atomic: False runs a job outside a transaction: for outside work such as SMTP, at least once.
    start: "beginning" handles all existing events first, "now" only new ones.
    max_attempts: failures after which a delivery is dead.
    retry_base_s, retry_cap_s: seconds that the wait between attempts begins with, doubles from
        and ends at; default: those of the settings.
    give_up_on: errors after which a delivery is dead at once.
    time_limit_s: seconds after which one call of the handler is interrupted and counts as failed.
    replayable: if False, `replay` refuses to move its cursor back without --force.
    name: identifies its cursors, with or without the context; default: the function's name.
    seam: handle only events that this seam published, instead of only those of `publish`. A tuple
        names several; "" in it stands for those of `publish`.
    linger_ms: milliseconds to wait after a batch, so that the next one is larger. The first event
        after a pause does not wait, nor does a batch that follows a full one.
    when: with via="rq": only events for which this function returns something true get a job. It
        has the parameters of a handler. If it raises, or a lookup of it is not answered, the
        event gets its job.

    Raises: DeclarationInvalid: an option has a value that it can't have, another handler has the
        name, or a call of the handler would not run it.
    """
    for given in types:
        if not isinstance(given, str) and not _is_event(given):
            raise declarations.not_called('subscribe("<context>.<Event>")', given)

    def declare(handler: Handler) -> Handler:
        _check_handler(handler)
        context = context_of(handler.__module__).name
        subscription = Subscription(
            name=_full_name(context, name or handler.__name__),
            context=context,
            types=frozenset(_name_of(each, context, handler) for each in types),
            handler=handler,
            via=via,
            batch=batch,
            ordered=ordered,
            atomic=atomic,
            start=start,
            max_attempts=max_attempts,
            retry_base_s=retry_base_s,
            retry_cap_s=retry_cap_s,
            give_up_on=give_up_on,
            time_limit_s=time_limit_s,
            replayable=replayable,
            seams=seam if isinstance(seam, tuple) else (seam,),
            linger_ms=linger_ms,
            when=when,
        )
        _check_options(subscription)
        if subscription.name.endswith(SHADOW):
            raise DeclarationInvalid(
                f"Subscription {subscription.name}: names that end with {SHADOW!r} are for those"
                " that compare the calls of seams with their events. Choose another name."
            )
        known = registry.get(subscription.name)
        who = f"Subscription {subscription.name}"
        declarations.check_only(known and known.handler, handler, who)
        registry[subscription.name] = subscription
        return handler

    return declare


def _is_event(given: object) -> bool:
    return isinstance(given, type) and issubclass(given, Event) and given is not Event


def _name_of(given: str | type[Event], context: str, handler: Callable[..., object]) -> str:
    """The name of a handled event; given as a class only inside the class's own context."""
    if isinstance(given, str):
        return given
    name = type_name(given)
    if name.split(".")[0] != context:
        raise DeclarationInvalid(
            f"{declarations.location_of(handler)}: {handler.__module__}.{handler.__name__} of"
            f" {context} subscribes to the class {given.__name__} of another context,"
            " but contexts must not import from each other."
            f' Write its name in quotes: @carveout.subscribe("{name}").'
        )
    return name


def _full_name(context: str, name: str) -> str:
    function = name.removeprefix(f"{context}.")
    if not function.isidentifier():
        raise DeclarationInvalid(
            f"Subscription {name!r}: a name is a Python identifier, with or without the context."
            f" Write name='{context}.<name>' or name='<name>'."
        )
    return f"{context}.{function}"


def hosted(contexts: Iterable[str]) -> list[Subscription]:
    """The subscriptions of these contexts, by name."""
    wanted = set(contexts)
    return sorted((s for s in registry.values() if s.context in wanted), key=lambda s: s.name)


def _check_handler(handler: Callable[..., object]) -> None:
    if not hasattr(handler, "__name__"):
        raise DeclarationInvalid(
            f"@carveout.subscribe: the {type(handler).__name__} of"
            f" {declarations.location_of(handler)} has no name. Write a plain function"
            " that calls it."
        )
    declarations.check_sync(handler, f"Subscription {handler.__module__}.{handler.__name__}")


def _check_options(subscription: Subscription) -> None:
    def refuse(problem: str) -> None:
        raise DeclarationInvalid(f"Subscription {subscription.name}: {problem}")

    declarations.check_name(subscription.name, f"Subscription {subscription.name}")
    if not subscription.types:
        refuse('subscribes to nothing. Write @carveout.subscribe("<context>.<Event>").')
    for name in subscription.types:
        if name.count(".") != 1:
            refuse(f"{name!r} is not an event type. Write '<context>.<Event>'.")
    if subscription.via not in ("consumer", "rq"):
        refuse(f"via={subscription.via!r} is unknown. Write 'consumer' or 'rq'.")
    if subscription.start not in ("beginning", "now"):
        refuse(f"start={subscription.start!r} is unknown. Write 'beginning' or 'now'.")
    if not isinstance(subscription.max_attempts, int) or subscription.max_attempts < 1:
        refuse(f"max_attempts={subscription.max_attempts!r}: use a whole number of at least 1.")
    if not _is_above_0(subscription.time_limit_s):
        refuse(f"time_limit_s={subscription.time_limit_s!r}: use a number of seconds above 0.")
    if not subscription.seams or not all(isinstance(each, str) for each in subscription.seams):
        given = ", ".join(map(repr, subscription.seams)) or "()"
        refuse(f'seam={given}: use the name of a seam, "<context>.<name>", or a tuple of names.')
    if subscription.linger_ms != 0 and not _is_above_0(subscription.linger_ms):
        refuse(f"linger_ms={subscription.linger_ms!r}: use a number of milliseconds of at least 0.")
    for option in ("retry_base_s", "retry_cap_s"):
        value = getattr(subscription, option)
        if value is not None and not _is_above_0(value):
            refuse(f"{option}={value!r}: use a number of seconds above 0, or leave it out.")
    kinds = subscription.give_up_on
    if not isinstance(kinds, tuple) or not all(
        isinstance(kind, type) and issubclass(kind, Exception) for kind in kinds
    ):
        refuse(f"give_up_on={kinds!r} must be a tuple of error classes, as in (ValueError,).")
    if subscription.batch and (subscription.via == "rq" or subscription.ordered):
        refuse("batch=True can't be used with via='rq' or ordered=True. Remove one of them.")
    if not subscription.atomic and subscription.via != "rq":
        refuse("atomic=False works only with via='rq'. Add it, or remove atomic=False.")
    if subscription.when is not None:
        if subscription.via != "rq":
            refuse("when= works only with via='rq'. In a consumer, let the handler return early.")
        if not callable(subscription.when):
            refuse(f"when={subscription.when!r} is not a function.")
        declarations.check_sync(subscription.when, f"Subscription {subscription.name}: its when=")


def _is_above_0(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


def _hints(name: str, function: Callable[..., object]) -> dict[str, Any]:
    try:
        return get_type_hints(function)
    except NameError as error:
        raise DeclarationInvalid(
            f"Subscription {name}: an annotation can't be resolved: {error}."
        ) from error


def _is_reader(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Lookup)


def _parameters(
    of: str, function: Callable[..., object]
) -> tuple[str | None, dict[str, type[Lookup]]]:
    hints = _hints(of, function)
    event_parameter, lookups = None, {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name == "event" or hints.get(name) is ReceivedEvent:
            event_parameter = name
        elif _is_reader(hints.get(name)):
            lookups[name] = hints[name]
        elif parameter.default is parameter.empty:
            raise DeclarationInvalid(
                f"Subscription {of}: nothing fills its parameter {name!r}."
                " Name it 'event', or annotate it with a carveout.Lookup."
            )
    return event_parameter, lookups


def _batch_parameters(subscription: Subscription) -> tuple[str | None, dict[str, type[Lookup]]]:
    parameters = list(inspect.signature(subscription.handler).parameters)
    if len(parameters) != 1:
        raise DeclarationInvalid(
            f"Subscription {subscription.name}: a batch handler takes one parameter, the list of"
            f" deliveries; this one takes {', '.join(parameters) or 'none'}."
        )
    hint = _hints(subscription.name, subscription.handler).get(parameters[0])
    item = get_args(hint)[0] if get_args(hint) else ReceivedEvent
    if item is ReceivedEvent:
        return parameters[0], {}
    if get_origin(item) is tuple:
        event_type, *lookups = get_args(item)
        if event_type is ReceivedEvent and lookups and all(map(_is_reader, lookups)):
            return parameters[0], {str(index): reader for index, reader in enumerate(lookups)}
    raise DeclarationInvalid(
        f"Subscription {subscription.name}: can't fill {hint}. Annotate with"
        " list[carveout.ReceivedEvent] or list[tuple[carveout.ReceivedEvent, <Lookup>, …]]."
    )
