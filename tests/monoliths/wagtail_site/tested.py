"""The same with apps of Wagtail's own tests, as its tests' settings have them."""

from wagtail_site import settings
from wagtail_site.settings import *  # noqa: F403

APPS_OF_TESTS = ["wagtail.test.basepage", "wagtail.test.routablepage", "wagtail.test.snippets"]
INSTALLED_APPS = [*APPS_OF_TESTS, *settings.INSTALLED_APPS]
