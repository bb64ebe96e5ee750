"""System checks of declarations: events, subscriptions, lookups, upcasters."""

from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning, register

from carveout.conf import hosting, loading, redis_url
from carveout.conf.settings import Settings
from carveout.conf.validation import TAG, suggest
from carveout.contracts import fit
from carveout.errors import CarveoutError
from carveout.events import event, upcasters
from carveout.events.declarations import location_of
from carveout.events.upcasters import Upcaster
from carveout.lookups import reader as lookups
from carveout.lookups.provider import providers
from carveout.subscriptions.subscription import Subscription, hosted


@register(TAG)
def check_declarations(**_: Any) -> list[CheckMessage]:
    """Check events, lookups, subscriptions and upcasters of the contexts hosted here."""
    found: list[CheckMessage] = []
    settings, errors = loading.build(getattr(django_settings, "CARVEOUT", {}))
    if errors:
        return []  # reported by check_settings
    for subscription in hosted(settings.hosted):
        found += _check_subscription(subscription)
        found += _check_jobs(subscription, settings)
    for reader in lookups.readers:
        found += _check_reader(reader)
        found += _misfits(fit.reader(reader), "carveout.E014")
        found += _misfits(fit.types(reader), "carveout.E016")
    for view in providers.values():
        found += _misfits(fit.lookup(view), "carveout.E015")
    for declared in event.registry.values():
        found += _misfits(fit.types(declared), "carveout.E016")
    for type_name, chain in upcasters.registry.items():
        found += _check_upcasters(type_name, chain)
    for name, declared in event.registry.items():
        if declared.event_carries and declared.event_carries not in providers:
            hint = suggest(declared.event_carries, providers)
            found.append(
                Error(
                    f"{name} carries {declared.event_carries!r}, which no context here offers.",
                    hint=hint,
                    obj=location_of(declared),
                    id="carveout.E005",
                )
            )
    return found


def _misfits(misfits: Iterator[fit.Misfit], code: str) -> list[CheckMessage]:
    return [Error(each.problem, hint=each.hint, obj=each.at, id=code) for each in misfits]


def _check_subscription(subscription: Subscription) -> Iterator[CheckMessage]:
    try:
        yield from _check_keys(subscription)
    except CarveoutError as error:
        yield Error(str(error), obj=location_of(subscription.handler), id="carveout.E002")
    for name in sorted(subscription.types):
        yield from _check_type(name, f"Subscription {subscription.name}", subscription.handler)


def _check_type(name: str, who: str, obj: Any) -> Iterator[CheckMessage]:
    """Check that an event of this name exists, as far as this process can know."""
    settings = loading.get_settings()
    owner = name.split(".")[0]
    if owner not in settings.contexts:
        problem, hint = f"no context is named {owner!r}", suggest(owner, settings.contexts)
    elif settings.hosts(owner) and name not in event.registry:
        problem, hint = f"there is no event {name!r}", suggest(name, event.registry)
    else:
        return
    yield Error(f"{who}: {problem}.", hint=hint, obj=location_of(obj), id="carveout.E003")


def _check_upcasters(type_name: str, chain: Mapping[int, Upcaster]) -> Iterator[CheckMessage]:
    """Check one event type's upcasters. Another deployment's newest version is not known here."""
    first = chain[min(chain)]
    yield from _check_type(type_name, f"Upcaster {upcasters.name_of(first)}", first)
    declared = event.registry.get(type_name)
    newest = declared.event_version if declared else max(chain) + 1
    for version, function in sorted(chain.items()):
        if version >= newest:
            yield Error(
                f"Upcaster {upcasters.name_of(function)} starts from version {version} of"
                f" {type_name}, which is at version {newest}.",
                hint=f"Write version={version + 1} where {type_name} is declared, or remove it.",
                obj=location_of(function),
                id="carveout.E007",
            )
    for version in sorted(set(range(min(chain), newest)) - chain.keys()):
        yield Warning(
            f"{type_name}: no upcaster turns data of version {version} into version {version + 1},"
            f" so events older than version {version + 1} stay at version {version}.",
            hint=f'Write an upcaster: @carveout.upcast("{type_name}", version={version}).',
            obj=location_of(first),
            id="carveout.W002",
        )


def _check_jobs(subscription: Subscription, settings: Settings) -> Iterator[CheckMessage]:
    if subscription.via != "rq":
        return
    if redis_url.parse(settings.jobs_redis).kind == "cluster":
        yield Error(
            f"Subscription {subscription.name} has via='rq', but RQ can't use a cluster.",
            hint="Set CARVEOUT['JOBS_REDIS_URL'] to a single Redis or one with Sentinels.",
            obj=location_of(subscription.handler),
            id="carveout.E006",
        )
        return
    lacking = _lacking_for_jobs(subscription.context) if settings.uses_redis else None
    if lacking:
        yield Error(
            f"Subscription {subscription.name} has via='rq', but {lacking[0]}.",
            hint=lacking[1],
            obj=location_of(subscription.handler),
            id="carveout.E017",
        )


def _lacking_for_jobs(context: str) -> tuple[str, str] | None:
    """Returns: what jobs need that is missing, and the fix."""
    if package := hosting.missing_for_jobs():
        return f"{package} is not installed", "pip install 'django-carveout[rq]'"
    if not apps.is_installed("django_rq"):
        return "'django_rq' is not in INSTALLED_APPS", 'INSTALLED_APPS += ["django_rq"]'
    queue = hosting.rq_queue_name(context)
    if queue not in getattr(django_settings, "RQ_QUEUES", {}):
        return f"RQ_QUEUES has no queue {queue!r}", "RQ_QUEUES = carveout.rq_queues(CARVEOUT)"
    return None


def _check_keys(subscription: Subscription) -> Iterator[CheckMessage]:
    """Find lookups by a field that an event lacks. Other deployments' events are not known."""
    for reader in sorted(subscription.readers, key=attrgetter("__name__")):
        for name in sorted(subscription.types & event.registry.keys()):
            known = event.registry[name].__struct_fields__
            if reader.lookup_by and reader.lookup_by not in known:
                yield Error(
                    f"Subscription {subscription.name}: {name} has no field for"
                    f" {reader.__name__}'s by={reader.lookup_by!r}.",
                    hint=suggest(reader.lookup_by, known),
                    obj=location_of(subscription.handler),
                    id="carveout.E002",
                )


def _check_reader(reader: type[lookups.Lookup]) -> Iterator[CheckMessage]:
    settings = loading.get_settings()
    owner = reader.lookup_of.split(".")[0]
    who = f"{reader.__module__}.{reader.__name__}"
    if owner not in settings.contexts:
        problem, hint = f"no context is named {owner!r}", suggest(owner, settings.contexts)
    elif settings.hosts(owner) and reader.lookup_of not in providers:
        problem, hint = (
            f"there is no lookup {reader.lookup_of!r}",
            suggest(reader.lookup_of, providers),
        )
    elif not settings.hosts(owner) and not settings.contexts[owner].url:
        problem = f"{owner} is not hosted here and has no url"
        hint = f"Set CARVEOUT['CONTEXTS']['{owner}']['url'] to the address of its carveout.urls."
    else:
        return
    yield Error(f"Lookup {who}: {problem}.", hint=hint, obj=location_of(reader), id="carveout.E004")
