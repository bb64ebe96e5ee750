from bazaar.defaults import *  # noqa: F403

SECRET_KEY = "for these tests only, and long enough for a key"
ROOT_URLCONF = "bazaar.urls"
USE_TZ = True
AUTH_USER_MODEL = "people.Person"  # C
INSTALLED_APPS += ["goods", "django.contrib.admin", "django.contrib.messages"]  # noqa: F405  # decoy
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["django.template.loaders.app_directories.Loader", "bazaar.loaders.Skins"],  # C
                ),
                ("bazaar.loaders.Themes", "plain", "dark"),  # C
                "bazaar.loaders.Rows",  # C
                ("django.template.loaders.cached.Loader", ["bazaar.loaders.Gone"]),  # C
                "bazaar.nothing.Loader",  # decoy: nobody has it
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
    {
        "BACKEND": "bazaar.backends.Pages",  # C
        "DIRS": [],
    },
    {
        "BACKEND": "bazaar.boards.Boards",  # C
        "APP_DIRS": True,
    },
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
    "archive": {"ENGINE": "old_driver"},  # decoy: where the survey runs, nobody has it
}
