"""The deployment of one context that hears of orders, in one of the four styles."""

import os

import dj_database_url

STYLE = os.environ["CONTEXTS"]
SECRET_KEY = os.environ["SECRET_KEY"]
INSTALLED_APPS = ["rest_framework", "carveout", STYLE]
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"], conn_max_age=60)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
CARVEOUT = {
    "REDIS_URL": os.environ["REDIS_URL"],
    "CONTEXTS": {
        STYLE: {"apps": [STYLE]},
        "orders": {"apps": ["orders"], "url": os.environ["URL_ORDERS"]},
    },
}
