"""Two contexts; one calls the other in every way that Python and Django know."""

import os

SECRET_KEY = "of a test"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["carveout", "market.orders", "market.notifications"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
MIGRATION_MODULES = {"carveout": None}  # faster
ROOT_URLCONF = "market.urls"
CARVEOUT = {
    "CONTEXTS": {
        "orders": {"apps": ["market.orders"]},
        "notifications": {"apps": ["market.notifications"]},
    },
    "DELIVERY": "eager",
    "SEAMS": os.environ.get("SEAMS", "direct"),
}
