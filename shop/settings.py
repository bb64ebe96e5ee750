"""The settings that every deployment shares.

`CONTEXTS=orders` hosts one context only; `DATABASE_URL` is this deployment's database, and
`DATABASE_URL_ORDERS` moves one context to a database of its own.
"""

import os
import secrets
from datetime import timedelta
from pathlib import Path

import dj_database_url

import carveout

BASE_DIR = Path(__file__).resolve().parent.parent
STATE_DIR = Path(os.environ.get("CARVEOUT_DIR", BASE_DIR / ".carveout"))
STATE_DIR.mkdir(parents=True, exist_ok=True)


def development_secret() -> str:
    """A key made on first use: nothing secret is in the repository, and restarts keep sign-ins."""
    path = STATE_DIR / "secret_key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48))
    return path.read_text()


DEBUG = os.environ.get("DEBUG", "1") == "1"
SECRET_KEY = os.environ.get("SECRET_KEY") or development_secret()
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")

# -- Contexts ----------------------------------------------------------------------------------

APPS_OF_CONTEXTS = {
    "shop": ["shop.catalogue", "shop.storefront"],
    "orders": ["orders"],
    "notifications": ["notifications"],
    "reviews": ["reviews"],
}
OWN_DATABASES = {
    name: os.environ[f"DATABASE_URL_{name.upper()}"]
    for name in APPS_OF_CONTEXTS
    if f"DATABASE_URL_{name.upper()}" in os.environ
}
CARVEOUT = {
    "REDIS_URL": os.environ.get("REDIS_URL", ""),  # empty: an embedded Valkey under STATE_DIR
    "STATE_DIR": STATE_DIR,
    "CONTEXTS": {
        name: {
            "apps": apps,
            "database": name if name in OWN_DATABASES else "default",
            "url": os.environ.get(f"URL_{name.upper()}", ""),
        }
        for name, apps in APPS_OF_CONTEXTS.items()
    },
}

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_rq",
    "carveout",
    *carveout.hosted_apps(CARVEOUT),
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "shop" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# -- Databases ---------------------------------------------------------------------------------

SQLITE_OPTIONS = {
    "timeout": 20,
    "transaction_mode": "IMMEDIATE",  # take the write lock at once instead of failing half-way
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
}


def database(url: str) -> dict:
    """Django's settings for a database URL; SQLite gets what the guarantees rest on."""
    config = dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True)
    if config["ENGINE"].endswith("sqlite3"):
        config["OPTIONS"] = SQLITE_OPTIONS
    return config


DATABASES = {
    "default": database(os.environ.get("DATABASE_URL", f"sqlite:///{STATE_DIR}/db.sqlite3")),
    **{name: database(url) for name, url in OWN_DATABASES.items()},
}
DATABASE_ROUTERS = ["carveout.routers.ContextRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# -- People ------------------------------------------------------------------------------------

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "/sign-in/"
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(hours=12),
    "ALGORITHM": "HS256",
    "TOKEN_USER_CLASS": "rest_framework_simplejwt.models.TokenUser",
}
# Deployments on one host share its cookies; each has an admin sign-in of its own.
SESSION_COOKIE_NAME = "_".join(["sessionid", *carveout.hosted_contexts(CARVEOUT)])

# -- Public REST -------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticatedOrReadOnly"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 50,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}

# -- The rest ----------------------------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = STATE_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "shop" / "static"]

EMAIL_HOST = os.environ.get("EMAIL_HOST", "127.0.0.1")
EMAIL_PORT = int(os.environ.get("EMAIL_PORT", "1025"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = "Carveout Shop <shop@example.com>"
