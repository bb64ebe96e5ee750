"""System checks: every mistake in settings and declarations, at start and all at once."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.db import DatabaseError, connections

from carveout import (
    address,
    conf,
    event,
    fit,
    hearing,
    lookups,
    mounts,
    overlooked,
    unheard,
    upcaster,
)
from carveout.declaration import place
from carveout.errors import CarveoutError
from carveout.mistakes import suggest
from carveout.subscription import Subscription, hosted
from carveout.upcaster import Upcaster

TAG = "carveout"
VENDORS = ("sqlite", "postgresql")


@register(TAG)
def check_settings(**_: Any) -> list[CheckMessage]:
    """settings.CARVEOUT, and the SQLite options that the guarantees rest on."""
    settings, mistakes = _settings()
    found: list[CheckMessage] = [Error(mistake, id="carveout.E001") for mistake in mistakes]
    if not mistakes:
        missing = conf.missing_apps(settings)
        found += [Error(mistake, id="carveout.E001") for mistake in missing]
    if "carveout" in map(conf.app_module, getattr(django_settings, "TENANT_APPS", ())):
        found.append(
            Error(
                "'carveout' is in TENANT_APPS, so each tenant's schema has a log of its own, and"
                " the relay looks into one schema only: the events of the others go nowhere.",
                hint="Put 'carveout' into SHARED_APPS and not into TENANT_APPS; see"
                " docs/reference/supported.md.",
                id="carveout.E013",
            )
        )
    here = [settings.contexts[name] for name in settings.hosted if name in settings.contexts]
    databases = {context.database for context in here}
    return found + [message for name in sorted(databases) for message in _check_database(name)]


@register(TAG, deploy=True)
def check_delivery(**_: Any) -> list[CheckMessage]:
    """Does production deliver as tests do? `check --deploy` asks, as Django's own do."""
    settings, mistakes = _settings()
    if mistakes or settings.uses_redis:
        return []
    return [
        Warning(
            f"CARVEOUT['DELIVERY'] is {settings.delivery!r}, which is for tests: handlers run in"
            " the process that publishes, and what fails is not retried.",
            hint="Take DELIVERY out of CARVEOUT, and set it in the settings of your tests.",
            id="carveout.W007",
        )
    ]


@register(TAG)
def check_apps(**_: Any) -> list[CheckMessage]:
    """The apps of hosted contexts are apps of the project."""
    settings, mistakes = _settings()
    if mistakes:
        return []  # the other check tells them
    return [
        Error(
            f"CARVEOUT['CONTEXTS']['{context}']: its app {app!r} is not in INSTALLED_APPS, so its"
            " models, events and subscribers are not read.",
            hint='INSTALLED_APPS = [..., "carveout", *carveout.hosted_apps(CARVEOUT)]',
            id="carveout.E019",
        )
        for context, app in conf.apps_not_installed(settings)
    ]


@register(TAG)
def check_unread(**_: Any) -> list[CheckMessage]:
    """Handlers, events and lookups in modules that no process imports."""
    settings, mistakes = _settings()
    if mistakes or conf.missing_apps(settings):
        return []  # the other check tells them
    found: list[CheckMessage] = []
    for source, context, declared in overlooked.unread(settings):
        if all(each.reads for each in declared):
            found.append(_unread(Warning, "carveout.W003", source, context, declared))
        else:
            found.append(_unread(Error, "carveout.E010", source, context, declared))
    for source, loose in overlooked.loose(settings):
        found.append(
            Error(
                f"{source.where}:{loose.line}: carveout.{loose.name}(…) stands by itself, so what"
                " is below it is not declared.",
                hint=f"Write @carveout.{loose.name}(…), with an @.",
                id="carveout.E011",
            )
        )
    return found


def _unread(
    kind: type[Error] | type[Warning],
    code: str,
    source: overlooked.Source,
    context: str,
    declared: list[overlooked.Found],
) -> CheckMessage:
    first, names = declared[0], ", ".join(each.name for each in declared)
    where = f"{source.where}:{first.line}: {names}"
    if not context:
        return kind(
            f"{where} belongs to no context, so nothing reads it: it has no effect.",
            hint=f"Add {source.app!r} to the 'apps' of a context in CARVEOUT['CONTEXTS'].",
            id=code,
        )
    return kind(
        f"{where} is in a module that nothing imports, so it has no effect.",
        hint=f"Move it to {source.app}/{first.home}.py, or write `import {source.module}` there.",
        id=code,
    )


@register(TAG)
def check_urls(**_: Any) -> list[CheckMessage]:
    """What is mounted, and what is not."""
    settings, mistakes = _settings()
    if mistakes or not getattr(django_settings, "ROOT_URLCONF", None):
        return []
    where = f"{django_settings.ROOT_URLCONF}.urlpatterns"
    return [*_check_owner(settings, where), *_check_dashboard(where), *_check_pages(where)]


def _check_owner(settings: conf.Settings, where: str) -> Iterator[CheckMessage]:
    """Can other deployments ask what lives here?"""
    elsewhere = settings.contexts.keys() - set(settings.hosted)
    asked = settings.lookups == "http" or (elsewhere and (lookups.offered or event.registry))
    if asked and not mounts.mounted("carveout.urls"):
        yield Warning(
            "carveout.urls is not mounted, so other deployments get 404 when they look up"
            f" {', '.join(settings.hosted)} or read missed events.",
            hint='Add path("internal/", include("carveout.urls")), and let'
            " CARVEOUT['CONTEXTS'][…]['url'] of the others end with that path.",
            obj=where,
            id="carveout.W004",
        )


def _check_dashboard(where: str) -> Iterator[CheckMessage]:
    """Is django-rq's own dashboard open?"""
    if mounts.mounted("django_rq.urls"):
        yield Warning(
            "django_rq.urls is mounted: there any staff account may empty queues and delete jobs,"
            " without a reason and without an audit.",
            hint="Take include('django_rq.urls') out. The same pages are in the admin, where only"
            " superusers may open them.",
            obj=where,
            id="carveout.W005",
        )


def _check_pages(where: str) -> Iterator[CheckMessage]:
    """Are the templates of REST framework's pages there?"""
    if apps.is_installed("rest_framework"):
        return
    rest = [each for each in ("carveout.urls", "carveout.rest_urls") if mounts.mounted(each)]
    if rest:
        yield Warning(
            f"{' and '.join(rest)} answer browsers with JSON only, because 'rest_framework' is not"
            " in INSTALLED_APPS, and the pages' templates are there.",
            hint='INSTALLED_APPS += ["rest_framework"]',
            obj=where,
            id="carveout.W006",
        )


@register(TAG)
def check_tables(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """Are the kit's tables there? Only in `manage.py check --database`: `migrate` checks too."""
    settings, mistakes = _settings()
    if mistakes or sys.argv[1:2] != ["check"]:
        return []
    tables = {
        model._meta.db_table
        for model in apps.get_app_config("carveout").get_models()
        if model._meta.managed
    }
    found: list[CheckMessage] = []
    for name in sorted({*settings.hosted_databases} & set(databases or ())):
        missing = sorted(tables - set(connections[name].introspection.table_names()))
        if missing:
            found.append(
                Error(
                    f"Database {name!r} lacks tables of Carveout: {', '.join(missing)}.",
                    hint=f"Run `manage.py migrate --database {name}`.",
                    id="carveout.E018",
                )
            )
    return found


@register(TAG)
def check_cursors(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """What cursors say against the declarations; `check --database` asks, as Django's own do."""
    settings, mistakes = _settings()
    if mistakes or not databases:
        return []
    found: list[CheckMessage] = []
    for each in hosted(settings.hosted):
        if each.database in databases:
            with suppress(DatabaseError):  # not there yet, or away: the workers tell
                found += _check_cursors(each)
    return found


def _check_cursors(each: Subscription) -> Iterator[CheckMessage]:
    if names := hearing.predecessors(each):
        yield Warning(hearing.refusal(each, names), obj=place(each.handler), id="carveout.W020")
    if passed := unheard.passed(each):
        yield Warning(
            f"{each.name} never heard {'; '.join(map(str, passed))}.",
            hint=f"`manage.py unheard {each.name} --deliver`, or --accept.",
            obj=place(each.handler),
            id="carveout.W021",
        )
    if types := unheard.unknown(each):
        yield Warning(hearing.more(each, types), obj=place(each.handler), id="carveout.W022")


@register(TAG)
def check_declarations(**_: Any) -> list[CheckMessage]:
    """Events, lookups, subscriptions and upcasters of the contexts that are hosted here."""
    found: list[CheckMessage] = []
    settings, mistakes = _settings()
    if mistakes:
        return []  # the other check tells them
    for subscription in hosted(settings.hosted):
        found += _check_subscription(subscription)
        found += _check_jobs(subscription, settings)
    for reader in lookups.readers:
        found += _check_reader(reader)
        found += _misfits(fit.reader(reader), "carveout.E014")
        found += _misfits(fit.types(reader), "carveout.E016")
    for view in lookups.offered.values():
        found += _misfits(fit.lookup(view), "carveout.E015")
    for declared in event.registry.values():
        found += _misfits(fit.types(declared), "carveout.E016")
    for type_name, chain in upcaster.registry.items():
        found += _check_upcasters(type_name, chain)
    for name, declared in event.registry.items():
        if declared.event_carries and declared.event_carries not in lookups.offered:
            hint = suggest(declared.event_carries, lookups.offered)
            found.append(
                Error(
                    f"{name} carries {declared.event_carries!r}, which no context here offers.",
                    hint=hint,
                    obj=place(declared),
                    id="carveout.E005",
                )
            )
    return found


def _misfits(misfits: Iterator[fit.Misfit], code: str) -> list[CheckMessage]:
    return [Error(each.problem, hint=each.hint, obj=each.at, id=code) for each in misfits]


def _settings() -> tuple[conf.Settings, list[str]]:
    return conf.build(getattr(django_settings, "CARVEOUT", {}))


def _check_database(name: str) -> Iterator[CheckMessage]:
    if name not in connections.settings:
        return  # a mistake in the settings
    connection = connections[name]
    if connection.vendor not in VENDORS:
        yield Error(
            f"Database {name!r} is {connection.display_name}. Events need SQLite or"
            " PostgreSQL: the log's statements and locks are written for them, and tested on them.",
            hint="Give the contexts that are hosted here a database of one of these; see"
            " docs/reference/supported.md. The survey, plan and ratchet run on any database.",
            id="carveout.E012",
        )
    if connection.vendor != "sqlite":
        return
    options = connection.settings_dict["OPTIONS"]
    init = str(options.get("init_command", "")).lower().replace(" ", "")
    if "synchronous=normal" in init or "synchronous=off" in init:
        yield Warning(
            f"Database {name!r}: after a power cut a committed order may be gone although its"
            " event went out.",
            hint='OPTIONS = {"init_command": "PRAGMA synchronous=FULL;"}',
            id="carveout.W001",
        )


def _check_subscription(subscription: Subscription) -> Iterator[CheckMessage]:
    try:
        yield from _check_keys(subscription)
    except CarveoutError as error:
        yield Error(str(error), obj=place(subscription.handler), id="carveout.E002")
    for name in sorted(subscription.types):
        yield from _check_type(name, f"Subscription {subscription.name}", subscription.handler)


def _check_type(name: str, who: str, obj: Any) -> Iterator[CheckMessage]:
    """Is there an event of that name, as far as that can be known here?"""
    settings = conf.get_settings()
    owner = name.split(".")[0]
    if owner not in settings.contexts:
        problem, hint = f"no context is named {owner!r}", suggest(owner, settings.contexts)
    elif settings.hosts(owner) and name not in event.registry:
        problem, hint = f"there is no event {name!r}", suggest(name, event.registry)
    else:
        return
    yield Error(f"{who}: {problem}.", hint=hint, obj=place(obj), id="carveout.E003")


def _check_upcasters(type_name: str, chain: Mapping[int, Upcaster]) -> Iterator[CheckMessage]:
    """Of events from elsewhere it is not known which version is the newest."""
    first = chain[min(chain)]
    yield from _check_type(type_name, f"Upcaster {upcaster.name_of(first)}", first)
    declared = event.registry.get(type_name)
    newest = declared.event_version if declared else max(chain) + 1
    for version, function in sorted(chain.items()):
        if version >= newest:
            yield Error(
                f"Upcaster {upcaster.name_of(function)} starts from version {version} of"
                f" {type_name}, which is at version {newest}.",
                hint=f"Write version={version + 1} where {type_name} is declared, or take it away.",
                obj=place(function),
                id="carveout.E007",
            )
    for version in sorted(set(range(min(chain), newest)) - chain.keys()):
        yield Warning(
            f"{type_name}: nothing turns data of version {version} into version {version + 1}, so"
            f" what is older than version {version + 1} stays at version {version}.",
            hint=f'Write an upcaster: @carveout.upcast("{type_name}", version={version}).',
            obj=place(first),
            id="carveout.W002",
        )


def _check_jobs(subscription: Subscription, settings: conf.Settings) -> Iterator[CheckMessage]:
    if subscription.via != "rq":
        return
    if address.parse(settings.jobs_redis).kind == "cluster":
        yield Error(
            f"Subscription {subscription.name} says via='rq', but RQ can't work on a cluster.",
            hint="Set CARVEOUT['JOBS_REDIS_URL'] to a single Redis or one with Sentinels.",
            obj=place(subscription.handler),
            id="carveout.E006",
        )
        return
    lacking = _lacking_for_jobs(subscription.context) if settings.uses_redis else None
    if lacking:
        yield Error(
            f"Subscription {subscription.name} says via='rq', but {lacking[0]}.",
            hint=lacking[1],
            obj=place(subscription.handler),
            id="carveout.E017",
        )


def _lacking_for_jobs(context: str) -> tuple[str, str] | None:
    """What jobs need and is not there, and the fix."""
    if package := conf.missing_for_jobs():
        return f"{package} is not installed", "pip install 'django-carveout[rq]'"
    if not apps.is_installed("django_rq"):
        return "'django_rq' is not in INSTALLED_APPS", 'INSTALLED_APPS += ["django_rq"]'
    queue = conf.rq_queue_name(context)
    if queue not in getattr(django_settings, "RQ_QUEUES", {}):
        return f"RQ_QUEUES has no queue {queue!r}", "RQ_QUEUES = carveout.rq_queues(CARVEOUT)"
    return None


def _check_keys(subscription: Subscription) -> Iterator[CheckMessage]:
    """Lookups by a field that an event does not have. Events from elsewhere are not known here."""
    for reader in subscription.lookups.values():
        for name in sorted(subscription.types & event.registry.keys()):
            known = event.registry[name].__struct_fields__
            if reader.lookup_by and reader.lookup_by not in known:
                yield Error(
                    f"Subscription {subscription.name}: {name} has no field for"
                    f" {reader.__name__}'s by={reader.lookup_by!r}.",
                    hint=suggest(reader.lookup_by, known),
                    obj=place(subscription.handler),
                    id="carveout.E002",
                )


def _check_reader(reader: type[lookups.Lookup]) -> Iterator[CheckMessage]:
    settings = conf.get_settings()
    owner = reader.lookup_of.split(".")[0]
    who = f"{reader.__module__}.{reader.__name__}"
    if owner not in settings.contexts:
        problem, hint = f"no context is named {owner!r}", suggest(owner, settings.contexts)
    elif settings.hosts(owner) and reader.lookup_of not in lookups.offered:
        problem, hint = (
            f"there is no lookup {reader.lookup_of!r}",
            suggest(reader.lookup_of, lookups.offered),
        )
    elif not settings.hosts(owner) and not settings.contexts[owner].url:
        problem = f"{owner} is not hosted here and has no url"
        hint = f"Set CARVEOUT['CONTEXTS']['{owner}']['url'] to where its carveout.urls are."
    else:
        return
    yield Error(f"Lookup {who}: {problem}.", hint=hint, obj=place(reader), id="carveout.E004")
