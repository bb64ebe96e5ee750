"""The settings that every deployment shares.

`CONTEXTS=orders` hosts one context only; `DATABASE_URL` is this deployment's database, and
`DATABASE_URL_ORDERS` moves one context to its own database.
"""

import os
import secrets
from datetime import timedelta
from pathlib import Path

import dj_database_url
import django
from django.core.exceptions import ImproperlyConfigured

import carveout

BASE_DIR = Path(__file__).resolve().parent.parent
STATE_DIR = Path(os.environ.get("CARVEOUT_DIR", BASE_DIR / ".carveout"))
STATE_DIR.mkdir(parents=True, exist_ok=True)


def development_secret() -> str:
    """A key created on first use: the repository has no secret, and restarts keep sign-ins."""
    path = STATE_DIR / "secret_key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48))
    return path.read_text()


DEBUG = os.environ.get("DEBUG", "1") == "1"
if not DEBUG and not os.environ.get("SECRET_KEY"):
    raise ImproperlyConfigured(
        "DEBUG is 0 and SECRET_KEY is not set. All deployments of one system need the same key."
        " Make one with: python -c 'import secrets; print(secrets.token_urlsafe(48))'"
    )
SECRET_KEY = os.environ.get("SECRET_KEY") or development_secret()
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
HTTPS = os.environ.get("HTTPS", "0" if DEBUG else "1") == "1"
TRUSTED_PROXIES = int(os.environ.get("TRUSTED_PROXIES", "0"))  # reverse proxies before this

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
    "METRICS_TOKEN": os.environ.get("METRICS_TOKEN", ""),
    "CONTEXTS": {
        name: {
            "apps": apps,
            "database": name if name in OWN_DATABASES else "default",
            "url": os.environ.get(f"URL_{name.upper()}", ""),
        }
        for name, apps in APPS_OF_CONTEXTS.items()
    },
}

RQ_QUEUES = carveout.rq_queues(CARVEOUT)

INSTALLED_APPS = [
    "shop.administration.PagesAdminConfig",
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
    *(["demo"] if len(carveout.hosted_contexts(CARVEOUT)) == len(APPS_OF_CONTEXTS) else []),
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "shop.policy.ContentSecurityPolicyMiddleware",
    "carveout.middleware.CorrelationMiddleware",
    "shop.limits.BodyLimitMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "shop.signin.CustomerMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

if "shop" in carveout.hosted_contexts(CARVEOUT):  # where the accounts are
    after = MIDDLEWARE.index("shop.signin.CustomerMiddleware") + 1
    MIDDLEWARE.insert(after, "shop.storefront.renewal.RenewalMiddleware")

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
                "shop.signin.customer",
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
    """Django's settings for a database URL; SQLite gets the options that the guarantees need."""
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
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
    )
]
LOGIN_URL = "/sign-in/"
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(hours=1),
    "ALGORITHM": "HS256",
    "TOKEN_USER_CLASS": "rest_framework_simplejwt.models.TokenUser",
}
CUSTOMER_COOKIE = "customer"
# Deployments on one host share its cookies; each has an admin sign-in of its own.
SESSION_COOKIE_NAME = "_".join(["sessionid", *carveout.hosted_contexts(CARVEOUT)])

# -- Public REST -------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework_simplejwt.authentication.JWTStatelessUserAuthentication",
        "shop.signin.CookieTokenAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticatedOrReadOnly"],
    "DEFAULT_PARSER_CLASSES": [
        "shop.limits.ShallowJSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",  # the browsable pages' forms send it
    ],
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.UserRateThrottle",
        "rest_framework.throttling.AnonRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "user": os.environ.get("THROTTLE_USER", "600/min") or None,  # empty: no limit
        "anon": os.environ.get("THROTTLE_ANON", "300/min") or None,
        "sign_in": os.environ.get("THROTTLE_SIGN_IN", "20/min") or None,
    },
    "NUM_PROXIES": TRUSTED_PROXIES,  # else a client chooses the address that it is counted by
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 50,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Carveout Shop",
    "DESCRIPTION": "Orders, products, reviews and notifications of a shop made of contexts.",
    "VERSION": "1",
    "PREPROCESSING_HOOKS": ["shop.schema.only_public"],
    "SCHEMA_PATH_PREFIX": "/api/",
    "ENUM_NAME_OVERRIDES": {  # several contexts have a field named `status`
        f"{name.capitalize()}Status": path
        for name, path in (
            ("orders", "orders.models.Status"),
            ("notifications", "notifications.models.Status"),
            ("reviews", "reviews.models.Review.Status"),
        )
        if name in carveout.hosted_contexts(CARVEOUT)
    },
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# -- Security ----------------------------------------------------------------------------------

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = CUSTOMER_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [
    r"^health/$",
    r"^internal/",
    r"^carveout/(health|ready|metrics)/$",
]  # requested from inside, without TLS
SECURE_HSTS_SECONDS = 3600 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
CSRF_TRUSTED_ORIGINS = [
    origin for origin in os.environ.get("CSRF_TRUSTED_ORIGINS", "").split(",") if origin
]
X_FRAME_OPTIONS = "DENY"

# -- The rest ----------------------------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = STATE_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "shop" / "static"]
WHITENOISE_USE_FINDERS = True  # works without collectstatic too
WHITENOISE_AUTOREFRESH = DEBUG

MAIL_HOST = os.environ.get("EMAIL_HOST", "127.0.0.1")
MAIL_PORT = int(os.environ.get("EMAIL_PORT", "1025"))
MAIL_TIMEOUT_S = 10
if django.VERSION >= (6, 1):
    MAILERS = {
        "default": {"OPTIONS": {"host": MAIL_HOST, "port": MAIL_PORT, "timeout": MAIL_TIMEOUT_S}}
    }
else:
    EMAIL_HOST = MAIL_HOST
    EMAIL_PORT = MAIL_PORT
    EMAIL_TIMEOUT = MAIL_TIMEOUT_S
DEFAULT_FROM_EMAIL = "Carveout Shop <shop@example.com>"
if DEBUG:
    NOTIFICATIONS_SMS_GATEWAY = "notifications.gateways.FileGateway"
    NOTIFICATIONS_SMS_DIR = STATE_DIR / "sms"
    NOTIFICATIONS_SMS_DIR.mkdir(exist_ok=True)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"event": {"()": "carveout.telemetry.logging.EventFilter"}},
    "formatters": {
        "human": {"()": "carveout.telemetry.logging.LineFormatter"},
        "json": {"()": "carveout.telemetry.logging.JsonFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "filters": ["event"],
            "formatter": os.environ.get("LOG_FORMAT", "human"),
        }
    },
    "root": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL", "INFO")},
    "loggers": {
        # Their own handlers would write every line twice, in another format.
        "django": {"handlers": [], "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
    },
}
