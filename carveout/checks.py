"""System checks that report every mistake in the settings at startup, and what a project lacks.

Those of declarations are in `contracts.system_check`.
"""

import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError, connections

from carveout.conf import context_apps, loading, mounted_urls
from carveout.conf.settings import Settings
from carveout.conf.validation import TAG
from carveout.deliveries import unheard
from carveout.events import event
from carveout.events.declarations import location_of
from carveout.lookups.provider import providers
from carveout.subscriptions import handled_types, overlooked
from carveout.subscriptions.subscription import Subscription, hosted

VENDORS = ("sqlite", "postgresql")


@register(TAG)
def check_settings(**_: Any) -> list[CheckMessage]:
    """Check settings.CARVEOUT, and the SQLite options that the guarantees depend on."""
    settings, errors = _settings()
    found: list[CheckMessage] = [Error(error, id="carveout.E001") for error in errors]
    if not errors:
        missing = context_apps.missing_apps(settings)
        found += [Error(error, id="carveout.E001") for error in missing]
    if "carveout" in map(context_apps.app_module, getattr(django_settings, "TENANT_APPS", ())):
        found.append(
            Error(
                "'carveout' is in TENANT_APPS, so each tenant's schema has its own log, but the"
                " relay reads only one schema: events in the others are never delivered.",
                hint="Move 'carveout' from TENANT_APPS to SHARED_APPS; see"
                " docs/reference/supported.md.",
                id="carveout.E013",
            )
        )
    here = [settings.contexts[name] for name in settings.hosted if name in settings.contexts]
    databases = {context.database for context in here}
    return found + [message for name in sorted(databases) for message in _check_database(name)]


@register(TAG, deploy=True)
def check_delivery(**_: Any) -> list[CheckMessage]:
    """Warn if DELIVERY is set for tests. Runs in `check --deploy`, as Django's own do."""
    settings, errors = _settings()
    if errors or settings.uses_redis:
        return []
    return [
        Warning(
            f"CARVEOUT['DELIVERY'] is {settings.delivery!r}, which is for tests: handlers run in"
            " the publishing process, and failed deliveries are not retried.",
            hint="Remove DELIVERY from CARVEOUT, and set it in your test settings.",
            id="carveout.W007",
        )
    ]


@register(TAG)
def check_apps(**_: Any) -> list[CheckMessage]:
    """Check that hosted contexts' apps are installed, and that apps are hosted as a whole."""
    settings, errors = _settings()
    if errors:
        return []  # reported by the other check
    found: list[CheckMessage] = [
        Error(each, id="carveout.E021") for each in context_apps.modules_not_hosted(settings)
    ]
    return found + [
        Error(
            f"CARVEOUT['CONTEXTS']['{context}']: its app {app!r} is not in INSTALLED_APPS, so its"
            " models, events and subscribers are not loaded.",
            hint='INSTALLED_APPS = [..., "carveout", *carveout.hosted_apps(CARVEOUT)]',
            id="carveout.E019",
        )
        for context, app in context_apps.apps_not_installed(settings)
    ]


@register(TAG)
def check_unread(**_: Any) -> list[CheckMessage]:
    """Find handlers, events and lookups in modules that no process imports."""
    settings, errors = _settings()
    if errors or context_apps.missing_apps(settings):
        return []  # reported by the other check
    found: list[CheckMessage] = []
    modules = overlooked.modules_of(settings)
    for source, context, declared in overlooked.unread(modules, settings):
        if all(each.reads for each in declared):
            found.append(_unread(Warning, "carveout.W003", source, context, declared))
        else:
            found.append(_unread(Error, "carveout.E010", source, context, declared))
    for source, loose in overlooked.loose(modules):
        found.append(
            Error(
                f"carveout.{loose.name}(…) is not used as a decorator, so it declares nothing.",
                hint=f"Write @carveout.{loose.name}(…), with an @.",
                obj=f"{source.where}:{loose.line}",
                id="carveout.E011",
            )
        )
    return found


def _unread(
    kind: type[Error] | type[Warning],
    code: str,
    source: overlooked.AppModule,
    context: str,
    declared: list[overlooked.FoundDeclaration],
) -> CheckMessage:
    where = f"{source.where}:{declared[0].line}"
    lost = f"so what it declares has no effect: {', '.join(each.name for each in declared)}."
    if not context:
        return kind(
            f"{source.module} belongs to no context, {lost}",
            hint=f"Add {source.app!r} to the 'apps' of a context in CARVEOUT['CONTEXTS'].",
            obj=where,
            id=code,
        )
    main = min(declared, key=lambda each: each.reads)  # a reader may be beside its handler
    return kind(
        f"Nothing imports {source.module}, {lost}",
        hint=f"Move it to {source.app}/{main.home}.py, or write `import {source.module}` there.",
        obj=where,
        id=code,
    )


@register(TAG, Tags.urls)
def check_urls(**_: Any) -> list[CheckMessage]:
    """Check which URLs are mounted."""
    settings, errors = _settings()
    if errors or not getattr(django_settings, "ROOT_URLCONF", None):
        return []
    where = f"{django_settings.ROOT_URLCONF}.urlpatterns"
    return [*_check_owner(settings, where), *_check_dashboard(where), *_check_pages(where)]


def _check_owner(settings: Settings, where: str) -> Iterator[CheckMessage]:
    """Check that other deployments can reach the contexts hosted here."""
    elsewhere = settings.contexts.keys() - set(settings.hosted)
    asked = settings.lookups == "http" or (elsewhere and (providers or event.registry))
    if asked and not mounted_urls.mounted("carveout.urls"):
        yield Warning(
            "carveout.urls is not mounted, so other deployments get 404 when they look up"
            f" {', '.join(settings.hosted)} or read missed events.",
            hint='Add path("internal/", include("carveout.urls")). In the other deployments,'
            " CARVEOUT['CONTEXTS'][…]['url'] must end with that path.",
            obj=where,
            id="carveout.W004",
        )


def _check_dashboard(where: str) -> Iterator[CheckMessage]:
    """Warn if django-rq's own dashboard is mounted."""
    if mounted_urls.mounted("django_rq.urls"):
        yield Warning(
            "django_rq.urls is mounted: any staff account can empty queues and delete jobs there,"
            " with no reason given and no audit record.",
            hint="Remove include('django_rq.urls'). The same pages are in the admin, where only"
            " superusers can open them.",
            obj=where,
            id="carveout.W005",
        )


def _check_pages(where: str) -> Iterator[CheckMessage]:
    """Check that the templates of REST framework's pages are installed."""
    if apps.is_installed("rest_framework"):
        return
    rest = [
        each
        for each in ("carveout.urls", "carveout.operations.rest.urls")
        if mounted_urls.mounted(each)
    ]
    if rest:
        yield Warning(
            f"{' and '.join(rest)} {'answers' if len(rest) == 1 else 'answer'} browsers with JSON"
            " only, because 'rest_framework', which has the page templates, is not in"
            " INSTALLED_APPS.",
            hint='INSTALLED_APPS += ["rest_framework"]',
            obj=where,
            id="carveout.W006",
        )


@register(TAG)
def check_tables(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """Check that Carveout's tables exist. Only in `check --database`: `migrate` checks too."""
    settings, errors = _settings()
    if errors or sys.argv[1:2] != ["check"]:
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
                    f"Database {name!r} lacks Carveout tables: {', '.join(missing)}.",
                    hint=f"Run `manage.py migrate --database {name}`.",
                    id="carveout.E018",
                )
            )
    return found


@register(TAG)
def check_cursors(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """Compare cursors with the declarations. Runs in `check --database`, as Django's own do."""
    settings, errors = _settings()
    if errors or not databases:
        return []
    found: list[CheckMessage] = []
    for each in hosted(settings.hosted):
        if each.database in databases:
            with suppress(DatabaseError):  # no tables yet, or unreachable: workers report it
                found += _check_cursors(each)
    return found


def _check_cursors(each: Subscription) -> Iterator[CheckMessage]:
    if names := handled_types.predecessors(each):
        yield Warning(
            handled_types.refusal(each, names), obj=location_of(each.handler), id="carveout.W020"
        )
    if passed := unheard.passed(each):
        yield Warning(
            f"{each.name} never received {'; '.join(map(str, passed))}.",
            hint=f"Run `manage.py unheard {each.name} --deliver`, or --accept to skip them.",
            obj=location_of(each.handler),
            id="carveout.W021",
        )
    if types := unheard.unknown(each):
        yield Warning(
            handled_types.more(each, types), obj=location_of(each.handler), id="carveout.W022"
        )


def _settings() -> tuple[Settings, list[str]]:
    return loading.build(getattr(django_settings, "CARVEOUT", {}))


def _check_database(name: str) -> Iterator[CheckMessage]:
    if name not in connections.settings:
        return  # reported as a settings mistake
    connection = connections[name]
    if connection.vendor not in VENDORS:
        yield Error(
            f"Database {name!r} is {connection.display_name}. Events need SQLite or"
            " PostgreSQL: the log's statements and locks are written for and tested on these only.",
            hint="Put the contexts that are hosted here in a SQLite or PostgreSQL database; see"
            " docs/reference/supported.md. The survey, plan and ratchet run on any database.",
            id="carveout.E012",
        )
    if connection.vendor != "sqlite":
        return
    options = connection.settings_dict["OPTIONS"]
    init = str(options.get("init_command", "")).lower().replace(" ", "")
    if "synchronous=normal" in init or "synchronous=off" in init:
        yield Warning(
            f"Database {name!r}: a power cut may lose a committed change although its event was"
            " sent.",
            hint='OPTIONS = {"init_command": "PRAGMA synchronous=FULL;"}',
            id="carveout.W001",
        )
