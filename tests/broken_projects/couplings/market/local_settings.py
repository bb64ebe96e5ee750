from market.settings import *  # decoy

DATABASES["default"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": "local"}  # danger
