"""The subjects: monoliths of different styles and sizes that install from PyPI with their code."""

from functools import cache

from tests.monoliths.subject import INSTALLED, Found, Subject

SUBJECTS = [
    Subject(
        "oscar",
        "django-oscar==4.2.1",
        settings="oscar_shop.settings",
        settings_in="oscar_shop.settings oscar.defaults",
        folder="oscar",
        packages=("oscar",),
    ),
    Subject(
        "pretix",
        "pretix==2026.8.0",
        settings="pretix.testutils.settings",
        settings_in="pretix.testutils.settings",
        folder="pretix",
        packages=("pretix",),
    ),
    Subject(
        "label-studio",
        "label-studio==1.23.2",
        settings="core.settings.label_studio",
        settings_in="core.settings",
        folder="label_studio",
        packages=(
            "core",
            "data_export",
            "data_import",
            "data_manager",
            "fsm",
            "io_storages",
            "jwt_auth",
            "labels_manager",
            "ml",
            "ml_model_providers",
            "ml_models",
            "organizations",
            "projects",
            "session_policy",
            "tasks",
            "users",
            "webhooks",
        ),
        on_path=True,
        env={"LATEST_VERSION_CHECK": "0"},
    ),
    Subject(
        "wagtail",
        "wagtail==8.0.1",
        settings="wagtail_site.settings",
        settings_in="wagtail_site.settings",
        folder="wagtail",
        packages=("wagtail",),
    ),
    Subject(
        "nautobot",
        "nautobot==3.2.7",
        settings="nautobot_site.settings",
        settings_in="nautobot_site.settings nautobot.core.settings",
        folder="nautobot",
        packages=("nautobot",),
    ),
    Subject(
        "coldfront",
        "coldfront==1.1.10",
        settings="coldfront.config.settings",
        settings_in="coldfront.config",
        folder="coldfront",
        packages=("coldfront",),
    ),
    Subject(
        "misago",
        "misago==0.39.6",
        settings="devproject.settings",
        settings_in="devproject.settings misago.settings",
        folder="misago",
        packages=("misago",),
        env={"SECRET_KEY": "for these tests only"},
        keeps=("PyJWT", "urllib3"),
    ),
]
NETBOX = Subject(
    "netbox",
    "netbox==4.7.3",
    settings="netbox.settings",
    settings_in="netbox.settings netbox_site.configuration",
    folder="code",
    packages=(
        "account",
        "circuits",
        "core",
        "dcim",
        "extras",
        "ipam",
        "netbox",
        "tenancy",
        "users",
        "utilities",
        "virtualization",
        "vpn",
        "wireless",
    ),
    on_path=True,
    apart=True,
    least="3.12",
    env={
        "NETBOX_CONFIGURATION": "netbox_site.configuration",
        "NETBOX_ROOT": str(INSTALLED / "netbox"),
    },
    without=("mkdocs", "zensical", "psycopg"),
    instead=("psycopg[binary,pool]", "tblib"),
)
"""It has its tests with it, and runs on the newest Django."""


@cache
def found_of(subject: Subject) -> Found:
    """Survey and oracle, made once for all tests."""
    return Found(subject)
