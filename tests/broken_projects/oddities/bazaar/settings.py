from bazaar.defaults import *  # noqa: F403

SECRET_KEY = "for these tests only, and long enough for a key"
ROOT_URLCONF = "bazaar.urls"
USE_TZ = True
AUTH_USER_MODEL = "people.Person"  # C
INSTALLED_APPS += ["goods", "django.contrib.admin", "django.contrib.messages"]  # noqa: F405  # decoy
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
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
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
    "archive": {"ENGINE": "old_driver"},  # decoy: where the survey runs, nobody has it
}
