import os

SECRET_KEY = "planted"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "suppliers",
    "goods",
    "sales",
    "audit",
]
MIDDLEWARE = ["core.middleware.timed", "core.middleware.CountOrders"]
if "RECORD" in os.environ:
    CARVEOUT = {"RECORD": {"share": float(os.environ["SHARE"]), "file": os.environ["RECORD"]}}
MIDDLEWARE.insert(0, "carveout.carving.recorder.middleware.SampleRequests")
ROOT_URLCONF = "mall.urls"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",
        "ATOMIC_REQUESTS": True,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
ALLOWED_HOSTS = ["testserver"]
if "TEST_RUNNER" in os.environ:
    TEST_RUNNER = os.environ["TEST_RUNNER"]
