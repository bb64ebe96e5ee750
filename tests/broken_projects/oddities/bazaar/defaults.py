MIDDLEWARE = ["people.middleware.Seen"]  # C
MENU = {"first": "desk:open-desk", "second": "desk:closed"}  # C: the second is no page
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "bazaar", "people"]
INSTALLED_APPS.append("desk")  # decoy
LOGGING = {
    "version": 1,
    "handlers": {"people": {"class": "people.logs.Handler"}},  # C
    "loggers": {"people.logs": {"handlers": ["people"]}},  # decoy
}
